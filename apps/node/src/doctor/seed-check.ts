import { isIP } from 'node:net'
import type { Identity } from '@flatend/monte'
import { formatEndpoint, parseAddress } from '../address.ts'
import { type Diagnosis, diagnose } from '../diagnosis.ts'
import { normalizeSeeds } from '../options.ts'
import { PeerId } from '../peer-id.ts'
import { addressesOf } from '../resolve-host.ts'
import type { Endpoint, Transport } from '../transport.ts'
import type { Finding } from './finding.ts'
import { type Greeting, greet } from './greet.ts'
import { httpAnswer, takesLegacy } from './smell.ts'

/** Addresses of one name that are looked at. */
const MAX_ADDRESSES = 16
/** Connection, handshake and answers together, in milliseconds. */
const PATIENCE = 8_000

/** What seeds are looked at with. */
export interface SeedCheckContext {
  readonly transport: Transport
  readonly identity: Identity
  readonly network: string | undefined
  readonly networkKey: Uint8Array | undefined
  readonly legacy: boolean
}

/** What was found out about one address to join through. */
export interface SeedReport {
  readonly findings: readonly Finding[]
  /** Nodes that answered. */
  readonly greetings: readonly Greeting[]
}

/** Resolves, connects, shakes hands and asks, and says of each step what is wrong. */
export async function checkSeed(seed: string, context: SeedCheckContext): Promise<SeedReport> {
  const [target] = normalizeSeeds([seed])
  const { address = '', key } = target ?? {}
  const endpoint = parseAddress(address, 'addrs')
  let endpoints: readonly Endpoint[]
  try {
    endpoints = await resolved(endpoint, context.transport)
  } catch (error) {
    return { findings: [toProblem(address, diagnose(error), error as Error)], greetings: [] }
  }
  const looks = endpoints.slice(0, MAX_ADDRESSES).map((one) => {
    const shown = formatEndpoint(one)
    const subject = endpoints.length > 1 ? `${address} (${shown})` : shown
    return look({ endpoint: one, subject, key }, context)
  })
  const results = await Promise.all(looks)
  const greetings = results.flatMap(({ greeting }) => greeting ?? [])
  return { findings: results.flatMap(({ findings }) => softened(findings, greetings)), greetings }
}

/** Where one address of a name works, that others do not is no reason not to join. */
function softened(findings: readonly Finding[], greetings: readonly Greeting[]): Finding[] {
  return findings.map((finding) =>
    finding.level === 'problem' && greetings.length > 0
      ? { ...finding, level: 'warning' as const }
      : finding,
  )
}

async function resolved(endpoint: Endpoint, transport: Transport): Promise<readonly Endpoint[]> {
  const { host, url } = endpoint
  if (url !== undefined || isIP(host) !== 0 || !transport.resolve) return [endpoint]
  return await addressesOf(endpoint, (name) =>
    (transport.resolve as NonNullable<Transport['resolve']>)(name),
  )
}

interface Look {
  readonly findings: readonly Finding[]
  readonly greeting?: Greeting
}

/** One address of a seed. */
interface Place {
  readonly endpoint: Endpoint
  readonly subject: string
  readonly key: Uint8Array | undefined
}

async function look(
  { endpoint, subject, key: expectedKey }: Place,
  { transport, ...rest }: SeedCheckContext,
): Promise<Look> {
  const signal = AbortSignal.timeout(PATIENCE)
  try {
    const link = await transport.dial(endpoint, { signal })
    const greeting = await greet(link, { ...rest, expectedKey, signal })
    return { findings: await praise(subject, endpoint, greeting), greeting }
  } catch (error) {
    return { findings: [await blame(subject, endpoint, error as Error)] }
  }
}

async function praise(subject: string, endpoint: Endpoint, greeting: Greeting): Promise<Finding[]> {
  const { hello, rttMs } = greeting
  if (hello.version === 1) {
    const message = 'answers by the protocol of 2020, whose encryption can be broken by who listens'
    return [{ level: 'warning', check: 'legacy', subject, message, cure: 'upgrade it' }]
  }
  const key = new PeerId(hello.publicKey ?? new Uint8Array(0)).toString()
  const ms = rttMs === undefined ? '' : ` in ${rttMs.toFixed(1)} ms`
  const found: Finding = {
    level: 'ok',
    check: 'seed',
    subject,
    message: `a node of this network answers${ms}: ${key}`,
    details: { key, ...(rttMs === undefined ? {} : { rttMs }) },
  }
  if (endpoint.url !== undefined || !(await takesLegacy(endpoint))) return [found]
  const message = 'takes nodes of the protocol of 2020 too (legacy = true)'
  const cure = 'switch it off once the last such node is upgraded; SECURITY.md says why'
  return [found, { level: 'note', check: 'legacy', subject, message, cure }]
}

/** Who closes or says nothing may still speak HTTP, where he is asked in it. */
async function blame(subject: string, endpoint: Endpoint, error: Error): Promise<Finding> {
  const diagnosis = diagnose(error)
  const isMute = ['silent', 'closed', 'other'].includes(diagnosis.trouble)
  const http = isMute && endpoint.url === undefined ? await httpAnswer(endpoint) : undefined
  if (http === undefined) return toProblem(subject, diagnosis, error)
  const foreign = diagnose(Object.assign(new Error(), { code: 'FLATEND_MONTE_FOREIGN' }))
  return toProblem(subject, foreign, new Error(`it speaks HTTP: ${http}`))
}

function toProblem(
  subject: string,
  { trouble, meaning, cure }: Diagnosis,
  { message }: Error,
): Finding {
  return {
    level: 'problem',
    check: 'seed',
    subject,
    message: meaning,
    cure,
    details: { trouble, reason: message },
  }
}
