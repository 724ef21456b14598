import type { Discovery, SignedRecord } from '@flatend/kademlia'
import { formatAddress } from './address.ts'
import { PeerId } from './peer-id.ts'
import type { Address } from './transport.ts'

/** Where a provider is reached. */
export interface ProviderAddress {
  /** `host:port` of the provider, or of the relay. */
  readonly address: string
  /** Key of the relay, 64 hex digits, where the provider itself cannot be dialed. */
  readonly relay: string | undefined
}

/** A node that offers a service, connected or not. */
export interface FoundProvider {
  readonly id: PeerId
  readonly addresses: readonly ProviderAddress[]
  /** It is reached through others. */
  readonly relayed: boolean
  /** Milliseconds since it signed its record; `undefined` where it has none. */
  readonly ageMs: number | undefined
  /** Milliseconds until the record ends. */
  readonly leftMs: number | undefined
  readonly connected: boolean
}

/** As much of a connected peer as is needed. */
export interface KnownPeer {
  readonly id: PeerId
  readonly address: Address | undefined
}

/** Providers by their records, and those connected that have none. */
export async function findProviders(
  service: string,
  discovery: Pick<Discovery, 'findRecords'>,
  connected: () => readonly KnownPeer[],
): Promise<FoundProvider[]> {
  const records = await discovery.findRecords(service)
  const peers = new Map(connected().map((peer) => [peer.id.toString(), peer]))
  const found = records.map((record) => {
    const isConnected = peers.delete(new PeerId(record.publicKey).toString())
    return ofRecord(record, isConnected)
  })
  return [...found, ...[...peers.values()].map(ofPeer)]
}

function ofRecord(
  { publicKey, addresses, relayed, issued, ttl }: SignedRecord,
  connected: boolean,
): FoundProvider {
  const direct = addresses.find(({ relay }) => relay === undefined)?.address
  const ageMs = Date.now() - issued
  return {
    id: new PeerId(publicKey, direct),
    addresses: addresses.map(({ address, relay }) => ({
      address: formatAddress(address),
      relay: relay && new PeerId(relay).toString(),
    })),
    relayed: relayed && direct === undefined,
    ageMs,
    leftMs: ttl * 1_000 - ageMs,
    connected,
  }
}

function ofPeer({ id, address }: KnownPeer): FoundProvider {
  return {
    id,
    addresses: address ? [{ address: formatAddress(address), relay: undefined }] : [],
    relayed: false,
    ageMs: undefined,
    leftMs: undefined,
    connected: true,
  }
}
