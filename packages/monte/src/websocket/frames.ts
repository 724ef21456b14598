/** Bytes of a message we send at most: one full packet with its length nearly always fits. */
const MAX_SENT = 65_536

/** The chunks as few messages, none of them empty or longer than 64 KiB. */
export function* frames(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  let left = 0
  for (const chunk of chunks) left += chunk.length
  const [only] = chunks
  if (only && only.length === left && left > 0 && left <= MAX_SENT) {
    yield only
    return
  }
  let frame = new Uint8Array(Math.min(left, MAX_SENT))
  let used = 0
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + frame.length - used)
      frame.set(part, used)
      used += part.length
      at += part.length
      if (used < frame.length) continue
      yield frame
      left -= used
      frame = new Uint8Array(Math.min(left, MAX_SENT))
      used = 0
    }
  }
}
