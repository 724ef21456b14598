/** What is wrong with an address to join through. */
type DialTrouble =
  | 'unresolved'
  | 'unreachable'
  | 'silent'
  | 'foreign'
  | 'network'
  | 'legacy'
  | 'key'
  | 'denied'
  | 'self'
  | 'closed'
  | 'other'

/** Why an address cannot be joined through, for people. */
export interface Diagnosis {
  readonly trouble: DialTrouble
  /** What it means, a clause that begins in lower case. */
  readonly meaning: string
  /** What to do. */
  readonly cure: string
}

const MEANINGS: Readonly<Record<DialTrouble, Omit<Diagnosis, 'trouble'>>> = {
  unresolved: {
    meaning: 'the host name is not known',
    cure: 'correct the name, or repair DNS',
  },
  unreachable: {
    meaning: 'nothing can be connected to there',
    cure: 'start the node there, or check host, port and firewall',
  },
  silent: {
    meaning: 'something takes connections there and says nothing a flatend node would',
    cure: 'check that the port is the one nodes connect to, and that the node is not overloaded',
  },
  foreign: {
    meaning: 'what answers there is no flatend node',
    cure: 'give the port that nodes connect to, not that of HTTP or of another program',
  },
  network: {
    meaning: 'the node there is of another network',
    cure: 'give both the same network name and network key',
  },
  legacy: {
    meaning: 'the node there speaks the protocol of 2020 only',
    cure: 'upgrade it, or allow it with legacy: true (--legacy) after reading SECURITY.md',
  },
  key: {
    meaning: 'the node there has another key than the one expected',
    cure: 'correct the key before the @, where the node was given a new one; else somebody interferes',
  },
  denied: {
    meaning: 'the node there does not let this one in',
    cure: "add this node's key to its allow-list, or raise the limit it names",
  },
  self: {
    meaning: 'it is this node itself',
    cure: 'none is needed; two nodes that share one secret key need one each',
  },
  closed: {
    meaning: 'the connection is closed during the handshake',
    cure: 'check that it is a flatend node, and read its log',
  },
  other: { meaning: 'the connection fails', cure: 'read the reason' },
}

const TROUBLES: Readonly<Record<string, DialTrouble>> = {
  FLATEND_MONTE_DIAL: 'unreachable',
  FLATEND_MONTE_HANDSHAKE_TIMEOUT: 'silent',
  FLATEND_MONTE_FOREIGN: 'foreign',
  FLATEND_MONTE_WEBSOCKET: 'foreign',
  FLATEND_WIRE_FRAME_TOO_LARGE: 'foreign',
  FLATEND_MONTE_AUTHENTICATION: 'network',
  FLATEND_MONTE_LEGACY_REFUSED: 'legacy',
  FLATEND_MONTE_PINNED: 'key',
  FLATEND_MONTE_REFUSED: 'denied',
  FLATEND_MONTE_DENIED: 'denied',
  FLATEND_MONTE_SELF: 'self',
  FLATEND_MONTE_HANDSHAKE_REFUSED: 'closed',
}

/** What an error of a dial means. Of several addresses' errors the most telling counts. */
export function diagnose(error: unknown): Diagnosis {
  const troubles = new Set(errorsOf(error).map(troubleOf))
  const trouble = PREFERENCE.find((one) => troubles.has(one)) ?? 'other'
  return { trouble, ...MEANINGS[trouble] }
}

/** From what is most likely a mistake to what is none. */
const PREFERENCE: readonly DialTrouble[] = [
  'key',
  'network',
  'legacy',
  'foreign',
  'denied',
  'closed',
  'silent',
  'unresolved',
  'unreachable',
  'other',
  'self',
]

function errorsOf(error: unknown): readonly unknown[] {
  const { code, cause } = error as { code?: string; cause?: unknown }
  return code === 'FLATEND_NODE_NO_ANSWER' && cause instanceof AggregateError
    ? cause.errors
    : [error]
}

function troubleOf(error: unknown): DialTrouble {
  const { code = '', message, cause } = error as Error & { code?: string }
  if (code === '' && message.startsWith('no answer within')) return 'unreachable'
  const { code: system } = (cause ?? {}) as { code?: string }
  if (system === 'ENOTFOUND' || system === 'EAI_AGAIN') return 'unresolved'
  return TROUBLES[code] ?? 'other'
}
