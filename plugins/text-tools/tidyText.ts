/** Without spaces at the ends of lines (two of them, Markdown's line break, stay two) and with exactly one line break at the end. */
export function tidyText(text: string): string {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const tidy = lines.map((line) => (/\S {2,}$/.test(line) ? `${line.trimEnd()}  ` : line.trimEnd()));
  return `${tidy.join("\n").trimEnd()}\n`;
}
