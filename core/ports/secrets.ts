/** Values that a person keeps for plugins and workflows. Nothing ever shows them again. */
export interface Secrets {
  get(name: string): string | undefined;
  /** The text with every value that is long enough to be one replaced by `[secret NAME]`. */
  redact(text: string): string;
}
