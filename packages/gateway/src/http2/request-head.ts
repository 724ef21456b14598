import { fieldText } from './header-text.ts'

/** A request's head as it came, before HTTP/1.1 and HTTP/2 are told apart. */
export interface RawHead {
  readonly target: string
  /** name, value, name, value …, as Node gives them. */
  readonly rawHeaders: readonly string[]
  readonly httpVersion: '1.0' | '1.1' | '2.0'
  readonly maxHeaderSize: number
  /** Node's parser takes other versions for what they are not. */
  readonly known: boolean
}

/** What a request says of itself, or the status of its refusal. */
export interface RequestHead {
  readonly headers: readonly string[]
  readonly authority: string
  readonly path: string
  readonly query: string
  readonly length: number | undefined
  readonly chunked: boolean
  readonly refuse: 0 | 400 | 431 | 505
}

interface Fields {
  readonly headers: string[]
  size: number
  hosts: number
  host: string
  authority: string | undefined
  length: string | undefined
  codings: number
  coding: string
  cookie: number
}

/** Absolute-form of a target (RFC 9112 §3.2.2): authority, and the rest from the path on. */
const ABSOLUTE = /^https?:\/\/([^/?#]+)(.*)$/i

/** Reads and checks a head. Node's parser did the syntax; this is what it lets pass. */
export function readRequestHead(raw: RawHead): RequestHead {
  const fields = readFields(raw)
  const authority = fields.authority ?? fields.host
  const target = originTarget(raw.target, authority)
  const question = target.indexOf('?')
  // A fragment is the client's own (RFC 9110 §7.1): another reader may end the target there.
  const whole = target !== '' && !target.includes('#')
  const valid = whole && isFramed(fields) && hasHost(fields, raw.httpVersion)
  return {
    headers: fields.headers,
    authority,
    path: fieldText(question < 0 ? target : target.slice(0, question)),
    query: question < 0 ? '' : fieldText(target.slice(question + 1)),
    length: fields.length === undefined ? undefined : Number(fields.length),
    chunked: fields.codings > 0,
    refuse: !raw.known ? 505 : fields.size > raw.maxHeaderSize ? 431 : valid ? 0 : 400,
  }
}

/**
 * Path and query of a target, or nothing where it is none. One with an authority of its own that is
 * not the Host's is a trick (RFC 9112 §3.2.2).
 */
function originTarget(target: string, host: string): string {
  if (target.startsWith('/') || target === '*') return target
  const absolute = ABSOLUTE.exec(target)
  if (absolute === null || !sameHost(absolute[1] as string, host)) return ''
  const rest = absolute[2] as string
  return rest.startsWith('/') ? rest : `/${rest}`
}

function readFields({ rawHeaders, httpVersion }: RawHead): Fields {
  const fields: Fields = {
    headers: [],
    size: 0,
    hosts: 0,
    host: '',
    authority: undefined,
    length: undefined,
    codings: 0,
    coding: '',
    cookie: -1,
  }
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase()
    const value = rawHeaders[i + 1] as string
    fields.size += name.length + value.length + 4
    if (httpVersion === '2.0' && name.startsWith(':')) {
      if (name === ':authority') fields.authority = fieldText(value)
    } else addField(fields, name, fieldText(value), httpVersion)
  }
  return fields
}

// oxlint-disable-next-line eslint/max-params -- on the path of each header: no object for it
function addField(fields: Fields, name: string, value: string, httpVersion: string): void {
  const { headers } = fields
  if (name === 'cookie' && httpVersion === '2.0') {
    // HTTP/2 may split it; others expect one (RFC 9113 §8.2.3).
    if (fields.cookie >= 0) {
      headers[fields.cookie] += `; ${value}`
      return
    }
    fields.cookie = headers.length + 1
  } else if (name === 'host') {
    fields.hosts++
    fields.host = value
  } else if (name === 'content-length') fields.length = value
  else if (name === 'transfer-encoding') {
    fields.codings++
    fields.coding = value
  }
  headers.push(name, value)
}

function sameHost(authority: string, host: string): boolean {
  return authority.toLowerCase() === host.toLowerCase()
}

/** One Host (RFC 9112 §3.2); HTTP/1.0 knows none, HTTP/2 has it as `:authority` too. */
function hasHost({ hosts, host, authority }: Fields, httpVersion: string): boolean {
  if (hosts === 0) return httpVersion !== '1.1'
  return hosts === 1 && (authority === undefined || sameHost(authority, host))
}

/** No coding but chunked is ever undone here. */
function isFramed({ codings, coding }: Fields): boolean {
  return codings === 0 || (codings === 1 && coding.toLowerCase() === 'chunked')
}
