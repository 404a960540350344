/** Of a request: the input of a run and the arguments of a tool fit; larger data goes by reference. */
export const REQUEST_BYTES_MAX = 4 * 1_048_576;
/** Calls of one token at a time; each may hold a plugin's process or watch a run. */
export const CALLS_MAX = 32;
/** Streams of changed tool lists, of all clients. */
export const SUBSCRIPTIONS_MAX = 64;
/** Of the items in one list: as much as a model reads with profit. */
export const ITEMS_MAX = 50;
export const ITEMS_DEFAULT = 20;
/** Of a text in an answer; it is cut behind it, and says so. */
export const TEXT_CHARS_MAX = 65_536;
/** Of a value of a run in an answer; what is larger is left out, and the answer says so. */
export const VALUE_BYTES_MAX = 262_144;
/** Of the result of a plugin's tool, which is neither cut nor left out but refused. */
export const RESULT_BYTES_MAX = 1_048_576;
/** Tools in one page of `tools/list`. */
export const TOOLS_PAGE = 100;
/** Longest and usual wait for the end of a run: below the 300 s after which many HTTP clients give up on an answer. */
export const WAIT_SECONDS_MAX = 240;
export const WAIT_SECONDS_DEFAULT = 45;
/** Between two notes of progress. */
export const PROGRESS_MS = 250;
