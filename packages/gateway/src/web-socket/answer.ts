import { DEFAULT_LIFE_MS, type WebSocketConfig } from '../config/web-socket.ts'
import type { RequestRecord } from '../transfer/request-record.ts'
import type { TransferPlan } from '../transfer/transfer-plan.ts'
import { handshakeProblem, isOriginAllowed } from './handshake.ts'
import { SocketTransfer } from './socket-transfer.ts'

/** What the call of a WebSocket says of itself, as extended CONNECT does (RFC 8441 §4). */
export const PROTOCOL_FIELD = ':protocol'

/** Refuses what is no request for a WebSocket. */
export function refusesSocket(record: RequestRecord, config: WebSocketConfig): boolean {
  const { exchange } = record
  const problem = handshakeProblem(exchange)
  if (problem !== undefined) record.refuse(problem)
  else if (!isOriginAllowed(exchange.headers, config.origins)) {
    record.refuse({
      status: 403,
      code: 'FLATEND_GATEWAY_DENIED',
      detail: 'Pages of this origin may not connect.',
    })
  } else return false
  return true
}

/** Asks a service for a WebSocket; `plan` is that of a request like any other. */
export function callSocket(
  record: RequestRecord,
  plan: TransferPlan,
  config: WebSocketConfig,
): void {
  const call = {
    ...plan,
    fields: [...plan.fields, PROTOCOL_FIELD, 'websocket'],
    timeoutMs: plan.timeoutMs ?? DEFAULT_LIFE_MS,
    idempotent: false,
  }
  new SocketTransfer(record, call, config).start()
}
