import { PUT_STATUS } from './record-store.ts'

/** What became of records: plain numbers that only grow. */
export interface RecordStats {
  /** Records that peers put here and that are kept. */
  stored: number
  /** Put here and refused, by why. */
  malformed: number
  badSignature: number
  /** Over, or signed more than a minute ahead. */
  expired: number
  seqTooLow: number
  seqReused: number
  full: number
  rateLimited: number
  /** Records in answers and events that were not valid, or not of the key asked for. */
  invalid: number
  /** Events of peers that nobody asked to watch. */
  unexpectedEvents: number
  /** Hints over the rate, or about nobody who is known here. */
  ignoredHints: number
  /** Own records that holders took. */
  published: number
  /** Lookups for the records of a service. */
  lookups: number
}

export function createRecordStats(): RecordStats {
  return {
    stored: 0,
    malformed: 0,
    badSignature: 0,
    expired: 0,
    seqTooLow: 0,
    seqReused: 0,
    full: 0,
    rateLimited: 0,
    invalid: 0,
    unexpectedEvents: 0,
    ignoredHints: 0,
    published: 0,
    lookups: 0,
  }
}

const COUNTERS: Readonly<Record<number, keyof RecordStats>> = {
  [PUT_STATUS.stored]: 'stored',
  [PUT_STATUS.full]: 'full',
  [PUT_STATUS.seqTooLow]: 'seqTooLow',
  [PUT_STATUS.seqReused]: 'seqReused',
  [PUT_STATUS.badSignature]: 'badSignature',
  [PUT_STATUS.expired]: 'expired',
  [PUT_STATUS.rateLimited]: 'rateLimited',
  [PUT_STATUS.malformed]: 'malformed',
}

/** Counts what became of a record that was put. */
export function countPut(stats: RecordStats, status: number): void {
  const counter = COUNTERS[status]
  if (counter) stats[counter]++
}
