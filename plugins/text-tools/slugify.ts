/** Letters that Unicode does not take apart. */
const SPELLED: Readonly<Record<string, string>> = {
  ß: "ss",
  æ: "ae",
  ø: "o",
  œ: "oe",
  đ: "d",
  ð: "d",
  þ: "th",
  ł: "l",
  ı: "i",
};

/** Lower case, accents dropped, everything but letters and digits becomes one hyphen; cut between words where that is possible. */
export function slugify(text: string, maxLength: number): string {
  const plain = text
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .toLowerCase()
    .replace(/[ßæøœđðþłı]/g, (letter) => SPELLED[letter] ?? letter)
    .replace(/['’]/g, "")
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "");
  const letters = Array.from(plain);
  if (letters.length <= maxLength) return plain;
  const cut = letters.slice(0, maxLength).join("");
  const boundary = cut.lastIndexOf("-");
  return letters[maxLength] === "-" || boundary <= 0 ? cut.replace(/-+$/, "") : cut.slice(0, boundary);
}
