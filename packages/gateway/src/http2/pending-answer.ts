import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/**
 * The answer of HTTP/1.1 that a connection is busy with. Node keeps it at the socket, and looks there
 * itself before it says anything of bytes that are no request.
 */
export function pendingAnswer(socket: Duplex): ServerResponse | undefined {
  // oxlint-disable-next-line eslint/no-underscore-dangle -- Node's name
  return (socket as { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? undefined
}
