import { REASON, STATUS } from './messages.ts'

const REFUSALS = new Map<number, string>([
  [STATUS.full, 'it has as many circuits as it takes'],
  [STATUS.rateLimited, 'it was asked too often'],
  [STATUS.unsupported, 'it is no relay'],
  [STATUS.noReservation, 'the node is not there'],
  [STATUS.denied, 'it does not serve connections that are relayed themselves'],
])

const ENDS = new Map<number, string>([
  [REASON.reset, 'the other end cut it'],
  [REASON.bytes, 'it carried as many bytes as the relay allows'],
  [REASON.time, 'it was open for as long as the relay allows'],
  [REASON.gone, 'the other end or the relay is gone'],
  [REASON.flow, 'more was sent than there was credit for'],
])

/** A circuit that could not be opened, or that broke. `code` is stable. */
export class RelayError extends Error {
  override readonly name = 'RelayError'
  /** `FLATEND_MONTE_RELAY_REFUSED` or `FLATEND_MONTE_CIRCUIT`. */
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** A relay did not open a circuit. `status` is below 0 where it did not answer. */
export function refused(status: number): RelayError {
  const why = REFUSALS.get(status) ?? (status < 0 ? 'it did not answer' : `status ${status}`)
  return new RelayError('FLATEND_MONTE_RELAY_REFUSED', `the relay opens no circuit: ${why}`)
}

/** A circuit broke. */
export function circuitBroke(reason: number): RelayError {
  const why = ENDS.get(reason) ?? `reason ${reason}`
  return new RelayError('FLATEND_MONTE_CIRCUIT', `the circuit over a relay broke: ${why}`)
}
