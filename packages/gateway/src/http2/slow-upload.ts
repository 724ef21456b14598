import { slowBody } from '../transfer/body-problem.ts'

/** An exchange whose upload stands still. */
export interface SlowExchange {
  readonly responded: boolean
  /** Gives the client up. */
  stalled(reason: 'upload-timeout'): void
  /** Breaks the connection; nothing where it is over. */
  abort(): void
}

/**
 * Tells whoever reads that the client sends nothing any more. Who answers at once is heard: the client
 * has `lingerMs` milliseconds to take it. Otherwise it is given up.
 */
export function failSlowUpload(
  exchange: SlowExchange,
  upload: { fail(error: Error): void },
  lingerMs: number,
): void {
  upload.fail(slowBody())
  setImmediate(() => {
    if (exchange.responded) setTimeout(() => exchange.abort(), lingerMs).unref()
    else exchange.stalled('upload-timeout')
  })
}
