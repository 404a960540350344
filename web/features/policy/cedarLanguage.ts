/** As much of Cedar (https://docs.cedarpolicy.com) as colours need. */
import { StreamLanguage, type StringStream } from "@codemirror/language";

const KEYWORDS = /^(permit|forbid|when|unless|if|then|else|in|is|like|has)$/;
const VARIABLES = /^(principal|action|resource|context)$/;

export const CEDAR = StreamLanguage.define({
  name: "cedar",
  languageData: { commentTokens: { line: "//" } },
  token(stream: StringStream): string | null {
    if (stream.eatSpace()) return null;
    if (stream.match("//")) {
      stream.skipToEnd();
      return "comment";
    }
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string";
    if (stream.match(/^@\w+/)) return "meta";
    if (stream.match(/^-?\d+/)) return "number";
    const word = stream.match(/^[A-Za-z_]\w*/) as RegExpMatchArray | null;
    if (word === null) {
      stream.next();
      return null;
    }
    if (KEYWORDS.test(word[0])) return "keyword";
    if (VARIABLES.test(word[0])) return "variableName";
    if (/^(true|false)$/.test(word[0])) return "bool";
    return stream.match("::", false) || /^[A-Z]/.test(word[0]) ? "typeName" : "propertyName";
  },
});
