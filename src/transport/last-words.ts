/**
 * How long an end of a connection waits for the other one's last words (ms). Messages and pieces travel on connections of their own:
 * that pieces have ended may be known before the message that says why.
 */
export const LAST_WORDS_MS = 1_000;
