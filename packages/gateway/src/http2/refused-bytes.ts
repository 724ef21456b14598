import type { Buffer } from 'node:buffer'
import type { Duplex } from 'node:stream'
import { excerpt, type Refusal, type RefusalReason } from '../refusal.ts'
import { peerText } from './peer.ts'
import { pendingAnswer } from './pending-answer.ts'
import { statusOfClientError } from './servers.ts'

/** What Node's servers say of bytes that are no request. */
interface ClientError extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer
}

interface ClientSocket extends Duplex {
  readonly remoteAddress?: string
  readonly bytesRead?: number
  readonly encrypted?: boolean
}

const REASONS: Readonly<Record<string, RefusalReason>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'head-timeout',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'tls-timeout',
  ERR_SSL_HTTP_REQUEST: 'plain-http',
  ECONNRESET: 'broken-off',
  EPIPE: 'broken-off',
  ETIMEDOUT: 'broken-off',
}

/** Who sent bytes that are no request, and what they were. */
export function refusalOfBytes(error: ClientError, socket: ClientSocket): Refusal {
  const code = error.code ?? ''
  const reason = REASONS[code] ?? (/^ERR_(?:SSL|TLS)_/.test(code) ? 'tls' : 'malformed')
  // In the middle of an answer it would be taken for a part of that.
  const free = socket.writable && pendingAnswer(socket)?.headersSent !== true
  const answers = free && ANSWERED.has(reason)
  return {
    reason,
    peer: peerText(socket.remoteAddress),
    status: answers ? statusOfClientError(error) : undefined,
    code: excerpt(code),
    sent: firstBytes(error, socket),
  }
}

const ANSWERED: ReadonlySet<RefusalReason> = new Set([
  'headers-too-large',
  'head-timeout',
  'malformed',
])

/** Of the first packet alone: later ones may be a body, which is nobody's business. */
function firstBytes({ rawPacket }: ClientError, { bytesRead }: ClientSocket): string | undefined {
  if (rawPacket === undefined || bytesRead !== rawPacket.length) return undefined
  return excerpt(rawPacket.toString('latin1', 0, 256))
}
