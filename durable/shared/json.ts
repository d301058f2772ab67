/** The value of a JSON text. Undefined, which JSON cannot express, if the text is not valid JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function isJson(text: string): boolean {
  return parseJson(text) !== undefined;
}
