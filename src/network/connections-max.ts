/** Connections of a host, of all its runs together, where nobody says how many. Guess. Apart from libp2p, which is slow to load. */
export const connectionsMaxDefault = 300;
