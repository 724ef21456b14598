import { lookup } from 'mrmime'
import type { StaticOptions } from '../config/static.ts'
import type { BodySink } from '../driver.ts'
import { attempt } from '../transfer/attempt.ts'
import { withNoCache } from '../transfer/no-cache.ts'
import type { Problem } from '../transfer/problem.ts'
import { headerOf, type RequestRecord } from '../transfer/request-record.ts'
import { type ByteRange, evaluate, parseRange, rangeHolds, type Validators } from './conditions.ts'
import type { FileRoot, FolderEntry, OpenFile } from './file-store.ts'
import { type Found, find } from './find.ts'
import { formatHttpDate } from './http-date.ts'
import { renderListing } from './listing.ts'

/** What a static route serves. */
export interface StaticPlan {
  readonly root: FileRoot
  /** Decoded path below the root, with a slash at its beginning; ignored for a single file. */
  readonly path: string
  readonly noCache: boolean
  readonly options: StaticOptions
}

/** Bytes read at a time; a file up to this size leaves in one write. */
const CHUNK = 65_536
const EMPTY = new Uint8Array(0)

const NOT_FOUND: Problem = {
  status: 404,
  code: 'FLATEND_GATEWAY_NO_ROUTE',
  detail: 'There is no such file.',
}

/** Answers GET and HEAD with a file (RFC 9110 §13, §14). Never rejects. */
export async function serveStatic(record: RequestRecord, plan: StaticPlan): Promise<void> {
  const { exchange, env, requestId } = record
  const client: Client = { gone: undefined, left: false, sink: undefined }
  exchange.onClose(() => {
    client.left = true
    client.gone?.()
    record.finish('client closed', true)
  })
  let file: OpenFile | undefined
  try {
    const accept = headerOf(exchange.headers, 'accept-encoding')
    const found = await find({ ...plan, accept })
    if (found?.kind === 'file') file = found.file
    if (client.left) return
    if (found === undefined) record.refuse(NOT_FOUND)
    else if (found.kind === 'slash') redirectToFolder(record)
    else if (found.kind === 'listing') sendListing(record, found.entries)
    else await send({ record, plan, found, file: found.file, client })
  } catch (error) {
    env.log.error({ err: error, requestId, path: plan.path }, 'a file could not be served')
    attempt(record, () => giveUp(record, client))
  } finally {
    await file?.close().catch(() => {})
  }
}

interface Client {
  gone: (() => void) | undefined
  left: boolean
  /** The body on its way. */
  sink: BodySink | undefined
}

interface Sending {
  readonly record: RequestRecord
  readonly plan: StaticPlan
  readonly found: Found
  readonly file: OpenFile
  readonly client: Client
}

/** As in 2020, so that relative links in an index work. The path has plain pieces only. */
function redirectToFolder(record: RequestRecord): void {
  const { rawPath, rawQuery } = record.exchange
  const query = rawQuery === '' ? '' : `?${rawQuery}`
  record.answer(301, ['location', `${rawPath}/${query}`], EMPTY)
  record.finish()
}

function sendListing(record: RequestRecord, entries: readonly FolderEntry[]): void {
  const type = ['content-type', 'text/html; charset=utf-8', 'x-content-type-options', 'nosniff']
  // The page has links and nothing else: no script of a file's name ever runs.
  const headers = [...type, 'cache-control', 'no-cache', 'content-security-policy', 'sandbox']
  record.answer(200, headers, renderListing(decodeURIComponent(record.exchange.rawPath), entries))
  record.finish()
}

async function send(sending: Sending): Promise<void> {
  const { record, plan, file } = sending
  const modifiedSeconds = Math.floor(file.modifiedMs / 1_000)
  const current: Validators = { etag: `"${file.version}"`, modifiedSeconds }
  const request = record.exchange.headers
  const status = plan.noCache ? 200 : evaluate(request, current)
  const headers = headersOf(sending, current)
  if (status !== 200) {
    record.exchange.respond(status, status === 304 ? headers : [], { end: true })
    record.status = status
    record.finish()
    return
  }
  // Also where nothing is cached: two halves of different files are never asked for.
  const asked = record.exchange.method === 'GET' && rangeHolds(request, current)
  const range = asked ? parseRange(headerOf(request, 'range'), file.size) : undefined
  if (range === 'unsatisfiable') {
    record.refuse({
      status: 416,
      code: 'FLATEND_GATEWAY_RANGE',
      detail: `The file has ${file.size} bytes.`,
      headers: ['content-range', `bytes */${file.size}`],
    })
  } else if (range === undefined) {
    await sendBytes(sending, { status: 200, headers, range: { first: 0, last: file.size - 1 } })
  } else {
    const part = `bytes ${range.first}-${range.last}/${file.size}`
    await sendBytes(sending, { status: 206, headers: [...headers, 'content-range', part], range })
  }
}

const YEAR_S = 31_536_000

function headersOf({ plan, found }: Sending, current: Validators): readonly string[] {
  const type = lookup(found.name) ?? 'application/octet-stream'
  const headers = [
    'content-type',
    type.startsWith('text/') ? `${type}; charset=utf-8` : type,
    'last-modified',
    formatHttpDate(current.modifiedSeconds),
    'accept-ranges',
    'bytes',
    'x-content-type-options',
    'nosniff',
  ]
  if (plan.options.precompressed) headers.push('vary', 'accept-encoding')
  if (found.encoding !== undefined) headers.push('content-encoding', found.encoding)
  if (plan.noCache) return withNoCache(headers)
  if (found.fallback) headers.push('cache-control', 'no-cache')
  else if (plan.options.immutable) {
    headers.push('cache-control', `public, max-age=${YEAR_S}, immutable`)
  }
  return [...headers, 'etag', current.etag]
}

interface Part {
  readonly status: number
  readonly headers: readonly string[]
  readonly range: ByteRange
}

async function sendBytes(sending: Sending, { status, headers, range }: Part): Promise<void> {
  const { record, file, client } = sending
  const { exchange } = record
  const length = range.last - range.first + 1
  if (exchange.method === 'HEAD') {
    exchange.respond(status, headers, { end: true, length })
    record.status = status
    record.finish()
    return
  }
  const first = length === 0 ? EMPTY : await file.read(range.first, Math.min(CHUNK, length))
  if (client.left) return
  if (first.length === length) {
    exchange.respond(status, headers, { body: first })
    record.status = status
    record.responseBytes = length
    record.finish()
    return
  }
  const sink = exchange.respond(status, headers, { length })
  record.status = status
  client.sink = sink
  let position = range.first
  let chunk = first
  while (chunk.length > 0) {
    position += chunk.length
    record.responseBytes += chunk.length
    if (!sink.write(chunk)) await whenReady(sink.ready(), client)
    if (client.left) return
    chunk = await file.read(position, Math.min(CHUNK, range.last + 1 - position))
    if (client.left) return
  }
  if (position === range.last + 1) {
    sink.end()
    record.finish()
  } else {
    // The file became shorter: what was sent must not look like the whole.
    sink.abort()
    record.finish('file changed', true)
  }
}

/** Waits for the client, or for it to leave. */
function whenReady(ready: Promise<void>, client: Client): Promise<void> {
  const gone = new Promise<void>((resolve) => {
    client.gone = resolve
  })
  return Promise.race([ready, gone])
}

/** An error where nothing is sent yet, else a broken connection: nobody waits for what never comes. */
function giveUp(record: RequestRecord, { sink }: Client): void {
  if (record.finished) return
  if (record.status === undefined) {
    record.refuse({
      status: 500,
      code: 'FLATEND_GATEWAY_INTERNAL',
      detail: 'The file could not be read.',
    })
  } else {
    sink?.abort()
    record.finish('file failed', true)
  }
}
