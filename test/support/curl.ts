import { createHash } from 'node:crypto'
import { type Process, run, start } from './processes.ts'

/** Fields of the response's head, in the order they came. */
export interface CurlResponse {
  /** curl's own exit status; 0 is success whatever the HTTP status. */
  readonly exit: number
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** Arguments every request here has: no progress, no proxy, an end. */
const COMMON = ['-sS', '--noproxy', '*', '--max-time', '120'] as const

/** Runs curl and takes its answer apart. */
export async function curl(
  url: string,
  args: readonly string[] = [],
  input?: string | Buffer,
): Promise<CurlResponse> {
  const options = { program: 'curl', ...(input === undefined ? {} : { input }) }
  const { code, stdout, stderr } = await run([...COMMON, '-i', ...args, url], options)
  return { exit: code ?? -1, ...parse(stdout), ...(stdout === '' ? { body: stderr } : {}) }
}

/** Starts curl and leaves it running; its standard output is the body. */
export function startCurl(url: string, args: readonly string[] = []): Process {
  return start([...COMMON, ...args, url], { program: 'curl' })
}

/** Downloads without keeping anything: length and SHA-1 of the body. */
export async function curlDigest(
  url: string,
  args: readonly string[] = [],
): Promise<{ readonly exit: number; readonly bytes: number; readonly sha1: string }> {
  const { spawn } = await import('node:child_process')
  const child = spawn('curl', [...COMMON, ...args, url], { stdio: ['ignore', 'pipe', 'inherit'] })
  const hash = createHash('sha1')
  let bytes = 0
  child.stdout.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    bytes += chunk.length
  })
  const exit = await new Promise<number>((resolve) => {
    child.once('close', (code) => resolve(code ?? -1))
  })
  return { exit, bytes, sha1: hash.digest('hex') }
}

/** All values of a header. */
export function valuesOf(response: CurlResponse, name: string): readonly string[] {
  return response.headers.filter(([key]) => key === name).map(([, value]) => value)
}

function parse(output: string): Omit<CurlResponse, 'exit'> {
  let rest = output
  let head = ''
  do {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return { status: 0, headers: [], body: rest }
    head = rest.slice(0, end)
    rest = rest.slice(end + 4)
    // "100 Continue" comes before the answer proper.
  } while (/^HTTP\/[\d.]+ 1\d\d/.test(head))
  const [first = '', ...lines] = head.split('\r\n')
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  return { status: Number(first.split(' ')[1]), headers, body: rest }
}
