import type { AcmePeers, Certificates, PeerAnswer } from '@flatend/gateway/tls'
import type { Context } from './context.ts'
import type { Logger } from './logger.ts'
import type { Node } from './node.ts'
import type { NodeOptions } from './options.ts'
import type { Provider } from './provider.ts'

/** The service by which the gateways of one name help each other to certificates. */
export const ACME_SERVICE = 'flatend.acme'

/** Gateways asked at the most, and how long each may take, in milliseconds. */
const MAX_PEERS = 16
const TIMEOUT_MS = 3_000
/** Bytes of a question, and of an answer: a chain and its key have a few thousand. */
const MAX_QUESTION = 1_024
const MAX_ANSWER = 131_072

/**
 * Whether private keys may go to other gateways: those listed for the service, or all nodes of a mesh
 * with a network key. In an open mesh whoever joins could have certificates for our names.
 */
export function mayShare({ allow, networkKey, legacy }: NodeOptions): boolean {
  if (allow?.services?.[ACME_SERVICE] !== undefined) return true
  return networkKey !== undefined && legacy !== true
}

/** The other gateways of the mesh, as the certificates' port to them. */
export function acmePeers(node: Node, log: Logger): AcmePeers {
  const others = (): readonly Provider[] => node.providersFor([ACME_SERVICE]).slice(0, MAX_PEERS)
  const ask = async (provider: Provider, question: object): Promise<unknown> => {
    try {
      const reply = await provider.call(ACME_SERVICE, question, { timeoutMs: TIMEOUT_MS })
      return reply.ok ? await reply.json({ limit: MAX_ANSWER }) : undefined
    } catch (error) {
      log.debug({ err: error, peer: provider.id.toString() }, 'another gateway does not answer')
      return undefined
    }
  }
  return {
    async ask(domain) {
      const own = node.id.toString()
      const answers = await Promise.all(
        others().map(async (provider) =>
          readAnswer(await ask(provider, { domain }), provider.id.toString() < own),
        ),
      )
      return answers.flatMap((answer) => answer ?? [])
    },
    async challenge(token) {
      const answers = await Promise.all(others().map((provider) => ask(provider, { token })))
      for (const answer of answers) {
        const { authorization } = (answer ?? {}) as { readonly authorization?: unknown }
        // RFC 8555 §8.1: the token, a dot, and the account key's thumbprint.
        if (typeof authorization === 'string' && authorization.startsWith(`${token}.`)) {
          return authorization
        }
      }
      return undefined
    },
    announce(domain) {
      for (const provider of others()) void ask(provider, { news: domain })
    },
  }
}

function readAnswer(value: unknown, precedes: boolean): PeerAnswer | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { serves, failing, bundle } = value as Readonly<Record<string, unknown>>
  return {
    precedes,
    serves: serves === true,
    failing: failing === true,
    ...(typeof bundle === 'string' ? { bundle } : {}),
  }
}

/** Answers the other gateways; who may ask is the node's policy. */
export function answerAcmePeers(certificates: Certificates): (ctx: Context) => Promise<object> {
  return async (ctx) => {
    const { domain, token, news } = readQuestion(await ctx.body({ limit: MAX_QUESTION }))
    if (typeof news === 'string') certificates.heard(news)
    if (typeof token === 'string') return { authorization: certificates.ownChallenge(token) }
    return typeof domain === 'string' ? certificates.share(domain) : {}
  }
}

interface Question {
  readonly domain?: unknown
  readonly token?: unknown
  readonly news?: unknown
}

function readQuestion(body: Uint8Array): Question {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body))
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
