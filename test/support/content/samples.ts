/** Images and documents for tests, one character a byte. What reads headers alone is content with them. */

const byte = (...codes: number[]) => String.fromCharCode(...codes);
const big = (value: number, count: number) =>
  byte(...Array.from({ length: count }, (_, n) => Math.floor(value / 256 ** (count - 1 - n)) % 256));
const little = (value: number, count: number) => big(value, count).split('').toReversed().join('');

/** A PNG whose header says this size. Of 1 × 1 it is a whole image: one red pixel. */
export function png(width = 1, height = 1): string {
  const whole = atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC');
  return whole.slice(0, 16) + big(width, 4) + big(height, 4) + whole.slice(24);
}

export const gif = (width: number, height: number) => `GIF89a${little(width, 2)}${little(height, 2)}\x00\x00\x00;`;

/** A JPEG with a long segment and fill bytes before its frame header. */
export function jpeg(width: number, height: number): string {
  const metadata = `\xff\xe1${big(60_000, 2)}${'\xff\xc0'.repeat(29_999)}`;
  return `\xff\xd8${metadata}\xff\xff\xc2${big(17, 2)}\x08${big(height, 2)}${big(width, 2)}\x03\xff\xd9`;
}

const riff = (chunk: string) => `RIFF${little(chunk.length + 4, 4)}WEBP${chunk}`;

export const webp = {
  lossy: (width: number, height: number) =>
    riff(`VP8 ${little(10, 4)}\x30\x01\x00\x9d\x01\x2a${little(width, 2)}${little(height, 2)}`),
  lossless: (width: number, height: number) =>
    riff(`VP8L${little(5, 4)}\x2f${little(width - 1 + (height - 1) * 0x4000, 4)}`),
  extended: (width: number, height: number) =>
    riff(`VP8X${little(10, 4)}\x00\x00\x00\x00${little(width - 1, 3)}${little(height - 1, 3)}`),
};

/** A PDF of so many empty pages. `more` goes before its end. */
export function pdf(pages = 1, more = ''): string {
  const kids = Array.from({ length: pages }, (_, n) => `${n + 3} 0 R`).join(' ');
  const objects = [
    '<</Type/Catalog/Pages 2 0 R>>',
    `<</Type /Pages\n/Kids [${kids}] /Count ${pages}>>`,
    ...Array.from({ length: pages }, () => '<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>'),
  ];
  const body = objects.map((object, n) => `${n + 1} 0 obj${object}endobj\n`).join('');
  return `%PDF-1.4\n${body}${more}trailer<</Root 1 0 R>>\n%%EOF\n`;
}

export const image = (bytes: string, media_type = 'image/png') => ({
  type: 'image',
  source: { type: 'base64', media_type, data: btoa(bytes) },
});

export const pdfDocument = (bytes: string, title?: string) => ({
  type: 'document',
  source: { type: 'base64', media_type: 'application/pdf', data: btoa(bytes) },
  ...(title === undefined ? {} : { title }),
});

export const text = (said: string) => ({ type: 'text', text: said });

export const file = (type: 'image' | 'document', path: string) => ({ type, source: { file: path } });
