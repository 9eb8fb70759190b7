/**
 * What is younger than this, in milliseconds, may belong to a call that is under way at this moment, on this controller
 * or another one; what is older was left by one that was killed.
 */
export const settledMs = 600_000;
