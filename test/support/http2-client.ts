import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { onTestFinished } from 'vitest'

/** Bytes of all streams together that may be under way to us. */
const WINDOW = 1_048_576

/** A stream's end: whether it was reset, and what came. */
export interface Http2Answer {
  /** RFC 9113 §7; 0 is a clean end. */
  readonly code: number
  readonly bytes: number
  readonly sha1: string
}

/** One connection of HTTP/2 for a test, ended with it. */
export async function http2Session(url: string, certificate: string): Promise<ClientHttp2Session> {
  const session = connect(url, { ca: readFileSync(certificate) })
  onTestFinished(() => session.destroy())
  await new Promise((resolve, reject) => session.once('connect', resolve).once('error', reject))
  session.setLocalWindowSize(WINDOW)
  return session
}

/** Sends a GET; with `perTick`, takes at most so many bytes each 20 ms. */
export function http2Get(
  session: ClientHttp2Session,
  path: string,
  perTick?: number,
): { readonly stream: ClientHttp2Stream; readonly answer: Promise<Http2Answer> } {
  const stream = session.request({ ':path': path })
  const hash = createHash('sha1')
  let bytes = 0
  const take = (chunk: Buffer | null): void => {
    if (chunk === null) return
    hash.update(chunk)
    bytes += chunk.length
  }
  if (perTick === undefined) stream.on('data', take)
  else {
    const timer = setInterval(() => take(stream.read(perTick) as Buffer | null), 20)
    stream.on('close', () => clearInterval(timer))
  }
  stream.on('error', () => undefined)
  const answer = new Promise<Http2Answer>((resolve) => {
    stream.on('close', () => resolve({ code: stream.rstCode, bytes, sha1: hash.digest('hex') }))
  })
  return { stream, answer }
}
