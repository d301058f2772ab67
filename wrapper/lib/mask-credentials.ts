/** A user name and password before the host, and values of what is named like a credential behind the question mark. */
const USER_INFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#'"]*@/gi;
const PARAMETER = /([?&;][^\s=&;'"]*(?:token|key|secret|passw|auth|signature|credential)[^\s=&;'"]*=)[^\s&;'"#]+/gi;

/** The text without anything in a URL that looks like a credential. */
export function maskCredentials(text: string): string {
  return text.replaceAll(USER_INFO, '$1***@').replaceAll(PARAMETER, '$1***');
}
