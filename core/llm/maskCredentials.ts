/** Shapes of secrets that are unmistakable; a rule that guessed would black out ordinary text. */
const CREDENTIALS = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /\bgh[pousr]_[A-Za-z0-9]{36,}\b/g,
  /\bgithub_pat_[A-Za-z0-9_]{22,}\b/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}\b/g,
  /\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,}\b/g,
  /\bAIza[0-9A-Za-z_-]{35}\b/g,
  /\blm_[A-Za-z0-9_-]{43}\b/g,
];

/** A text as the log keeps it, and how many credentials were blacked out. */
export function maskCredentials(text: string): { text: string; masked: number } {
  let masked = 0;
  let result = text;
  for (const pattern of CREDENTIALS) {
    result = result.replace(pattern, () => {
      masked += 1;
      return "[credential]";
    });
  }
  return { text: result, masked };
}
