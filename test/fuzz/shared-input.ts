/** The input that is tried just now, in memory of two threads: its number and length (32 bits each), then its bytes. */

export const HEADER_BYTES = 8;
export const SHARED_BYTES = HEADER_BYTES + 64 * 1024;
