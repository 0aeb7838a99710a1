/** Why an attempt did not come to its end: not an error. */
export class CalledOff extends Error {}
