import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { pipeline } from 'node:stream'
import { patternStream } from './pattern.cjs'

/** What curl got, and how it judged it. */
export interface Transferred {
  /** curl's exit status: 0 only where the answer was whole. */
  readonly exit: number
  readonly bytes: number
  readonly sha1: string
  /** The body, where it is short. */
  readonly text: string
}

/** Has curl make a request, with `upload` bytes of the pattern as its body, and keeps no bytes. */
export async function transfer(
  url: string,
  { upload, args = [] }: { readonly upload?: number; readonly args?: readonly string[] } = {},
): Promise<Transferred> {
  const body = upload === undefined ? [] : ['-X', 'POST', '-T', '-', '-H', 'Expect:']
  const child = spawn(
    'curl',
    ['-sS', '--noproxy', '*', '--max-time', '300', ...body, ...args, url],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  )
  // What curl does not take of the body shows in how it ends.
  pipeline(patternStream(upload ?? 0), child.stdin, () => undefined)
  const hash = createHash('sha1')
  let [bytes, text] = [0, '']
  child.stdout.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    bytes += chunk.length
    if (bytes < 4_096) text += chunk.toString()
  })
  const exit = await new Promise<number>((resolve) => {
    child.once('close', (code) => resolve(code ?? -1))
  })
  return { exit, bytes, sha1: hash.digest('hex'), text }
}

/** A client that speaks HTTP/1.1 by hand and can leave at any time. */
export interface RawClient {
  readonly socket: Socket
  /** All that came. */
  readonly text: () => string
  /** Settles when the connection ended: by an end of the stream, or by a reset. */
  readonly closed: Promise<'end' | 'reset'>
}

/** Sends the head of a request, whatever it says. */
export function rawClient(url: string, head: string): RawClient {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  const closed = new Promise<'end' | 'reset'>((resolve) => {
    socket.once('error', () => resolve('reset'))
    socket.once('close', () => resolve('end'))
  })
  socket.write(`${head}\r\n\r\n`)
  return { socket, text: () => Buffer.concat(chunks).toString('latin1'), closed }
}
