/** A link into the page; the code is in the fragment, which browsers never send to a server. */
export function loginLink(baseUrl: string, code: string): string {
  return `${baseUrl}/#code=${encodeURIComponent(code)}`;
}
