/**
 * A tar block with metadata about the next entry, which `tar-stream` cannot write. `L` and `K` are GNU's types for the raw
 * name and link target. They are for names that are not UTF-8, which a pax header cannot hold.
 */
export function tarMetadata(type: 'L' | 'K', bytes: Buffer): Buffer {
  return block(type, Buffer.concat([bytes, Buffer.alloc(1)]));
}

/** A comment on the archive: a pax record (POSIX.1-2024, pax, `comment`) that readers pass over. */
export function tarComment(text: string): Buffer {
  const record = Buffer.from(` comment=${text.replaceAll('\n', ' ')}\n`);
  // The record begins with its own length in decimal.
  let length = record.length + 1;
  while (String(length).length + record.length !== length) length = String(length).length + record.length;
  return block('g', Buffer.concat([Buffer.from(String(length)), record]));
}

function block(type: 'L' | 'K' | 'g', bytes: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(type === 'g' ? 'pax_global_header' : '././@LongLink', 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  // The checksum is computed with spaces in the checksum field.
  header.write('        ', 148);
  header.write(type, 156);
  header.write(type === 'g' ? 'ustar\u000000' : 'ustar  \0', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const data = Buffer.alloc(Math.ceil(bytes.length / 512) * 512);
  bytes.copy(data);
  return Buffer.concat([header, data]);
}
