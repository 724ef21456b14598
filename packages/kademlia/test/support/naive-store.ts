import type { SignedRecord } from '../../src/record.ts'
import { PUT_STATUS, type PutOptions, type RecordStoreLimits } from '../../src/record-store.ts'
import { verify } from './records.ts'

interface Kept {
  readonly record: SignedRecord
  readonly until: number
  readonly down: boolean
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The rules of a holder, written down as a list. */
export class NaiveStore {
  readonly #limits: RecordStoreLimits
  #kept: Kept[] = []

  constructor(limits: RecordStoreLimits) {
    this.#limits = limits
  }

  put(record: SignedRecord, options: PutOptions): number {
    const { now } = options
    if (record.issued - now > 60_000 || endOf(record) <= now) return PUT_STATUS.expired
    const same = this.#kept.find((one) => this.#isSame(one, record) && one.until > now)
    const status = same ? this.#compare(same, record) : this.#refusal(record, now)
    if (status !== PUT_STATUS.stored) return status
    const repeated = same !== undefined && same.record.seq === record.seq
    if (!repeated && !isSigned(record)) return PUT_STATUS.badSignature
    const down = repeated && same.down && options.cacheMs !== undefined
    this.#replace({ record, until: untilOf(record, options, same), down })
    return PUT_STATUS.stored
  }

  get(key: Uint8Array, now: number): string[] {
    return this.#kept
      .filter(({ record, until, down }) => {
        return until > now && !down && !record.tombstone && hex(record.key) === hex(key)
      })
      .map(({ record }) => hex(record.bytes))
      .toSorted()
  }

  hide(record: SignedRecord): void {
    this.#kept = this.#kept.map((one) => (this.#isSame(one, record) ? { ...one, down: true } : one))
  }

  size(now: number): number {
    return this.#kept.filter(({ until }) => until > now).length
  }

  #compare(same: Kept, record: SignedRecord): number {
    if (record.seq < same.record.seq) return PUT_STATUS.seqTooLow
    const reused = record.seq === same.record.seq && hex(same.record.bytes) !== hex(record.bytes)
    return reused ? PUT_STATUS.seqReused : PUT_STATUS.stored
  }

  #refusal(record: SignedRecord, now: number): number {
    const live = this.#kept.filter(({ until }) => until > now)
    const ofKey = live.filter((one) => hex(one.record.key) === hex(record.key))
    const ofProvider = live.filter((one) => hex(one.record.publicKey) === hex(record.publicKey))
    const hasRoom =
      ofKey.length < this.#limits.recordsPerKey &&
      ofProvider.length < this.#limits.keysPerProvider &&
      live.length < this.#limits.records
    return hasRoom ? PUT_STATUS.stored : PUT_STATUS.full
  }

  #replace(kept: Kept): void {
    this.#kept = [...this.#kept.filter((one) => !this.#isSame(one, kept.record)), kept]
  }

  #isSame(one: Kept, { key, publicKey }: SignedRecord): boolean {
    return hex(one.record.key) === hex(key) && hex(one.record.publicKey) === hex(publicKey)
  }
}

function endOf({ issued, ttl }: SignedRecord): number {
  return issued + Math.max(30, Math.min(3_600, ttl)) * 1_000
}

function untilOf(
  record: SignedRecord,
  { now, cacheMs = Number.POSITIVE_INFINITY }: PutOptions,
  same: Kept | undefined,
): number {
  const before = same?.until ?? 0
  if (record.tombstone) return Math.max(endOf(record), before)
  return Math.min(endOf(record), Math.max(before, now + cacheMs))
}

function isSigned({ publicKey, bytes }: SignedRecord): boolean {
  const text = Buffer.concat([Buffer.from('flatend/rec/1'), bytes.subarray(0, -64)])
  return verify(publicKey, text, bytes.subarray(-64))
}
