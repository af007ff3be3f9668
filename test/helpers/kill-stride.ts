/**
 * Commands that are killed after one step after the other, in the longest of these tests after every second one, for time's sake;
 * `PLYFS_KILL_STRIDE=1` takes each, another number one in so many.
 */
export const KILL_STRIDE = Number(process.env.PLYFS_KILL_STRIDE ?? 2);
