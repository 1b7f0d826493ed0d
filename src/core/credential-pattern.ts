/** A credential as text: hexadecimal digits, two for each of at most `credentialBytesMax` bytes. */
export const credentialPattern = /^(?:[0-9a-f]{2}){1,1040}$/;
