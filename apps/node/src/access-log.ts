import type { AccessEvent, ListenerConfig } from '@flatend/gateway'
import type { Logger } from './logger.ts'

/** What of a request is never logged: its query and headers, where secrets are. The path is. */
type AccessEntry = Omit<AccessEvent, 'authority'> & { readonly host: string }

/**
 * Writes a line for each request: to the log, or as JSON where the listener's `access_log` says so.
 * Without `access_log` a request is worth a line of level debug.
 */
export function accessLog(
  log: Logger,
  write: (line: string) => void,
): (event: AccessEvent, listener: ListenerConfig) => void {
  return (event, { accessLog: wanted }) => {
    const entry = entryOf(event)
    if (wanted === 'json') {
      const line = { level: 'info', time: new Date().toISOString(), msg: 'request', ...entry }
      write(`${JSON.stringify(line)}\n`)
    } else if (wanted) log.info(entry, 'request')
    else log.debug(entry, 'request')
  }
}

function entryOf({ authority, ...event }: AccessEvent): AccessEntry {
  return {
    ...event,
    host: authority,
    durationMs: rounded(event.durationMs),
    queueMs: event.queueMs === undefined ? undefined : rounded(event.queueMs),
    providerMs: event.providerMs === undefined ? undefined : rounded(event.providerMs),
  }
}

/** To microseconds. */
const rounded = (durationMs: number): number => Math.round(durationMs * 1_000) / 1_000
