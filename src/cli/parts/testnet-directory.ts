/** Where `testnet up`, `status` and `down` meet if nobody says otherwise. */
export const TESTNET_DIRECTORY = '.starlings/testnet';
