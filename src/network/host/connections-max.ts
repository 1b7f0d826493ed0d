/** Bounds of a host that nodes are told of. Guesses. Apart from libp2p, which is slow to load. */

/** Connections of a host, of all its runs together, where nobody says how many. */
export const connectionsMaxDefault = 300;

/** Of these, such as come in from one public address: a lab behind one, or somebody with many keys. */
export const connectionsPerAddressMaxDefault = 32;
