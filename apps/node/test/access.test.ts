import { describe, expect, onTestFinished, test } from 'vitest'
import {
  type AccessRequest,
  type AllowList,
  generateSecretKey,
  type Logger,
  type NodeOptions,
} from '../src/index.ts'
import { publicKeyOf, seedOf } from '../src/secret-key.ts'
import { createTestMesh, type TestMesh } from '../src/testing/index.ts'
import { waitFor } from './support/patience.ts'

function meshForTest(): TestMesh {
  const mesh = createTestMesh()
  onTestFinished(() => mesh.shutdown())
  return mesh
}

/** A secret key, and what others know it by. */
function identity(): { readonly secretKey: Uint8Array; readonly key: string } {
  const secretKey = generateSecretKey()
  return { secretKey, key: Buffer.from(publicKeyOf(seedOf(secretKey))).toString('hex') }
}

const ignore = (): void => undefined

/** A logger that keeps what it is warned of. */
function recorder(): { readonly warnings: object[]; readonly logger: Logger } {
  const warnings: object[] = []
  const warn = (fields: object, message: string): void => void warnings.push({ ...fields, message })
  return { warnings, logger: { debug: ignore, info: ignore, warn, error: ignore } }
}

const services = { open: () => 'open', secret: () => 'secret' }

/** One service is closed on Sundays, one has a policy that fails. */
const onWeekdays: NodeOptions['authorize'] = ({ service }) => {
  if (service === 'broken') throw new Error('a secret of the policy')
  return service === 'sunday' ? 'not on Sundays' : true
}

describe('allow', () => {
  test('peers that are not on the list do not connect, are told why, counted and logged', async () => {
    const mesh = meshForTest()
    const friend = identity()
    const { warnings, logger } = recorder()
    const node = await mesh.start({ services, logger, allow: { peers: [friend.key] } })
    const stranger = await mesh.start({ joinTimeoutMs: 300 })
    const known = await mesh.start({ secretKey: friend.secretKey })
    expect(await (await known.call('open')).text()).toBe('open')
    // It may be connected for a moment, until it is told.
    const met = (): string[] => stranger.peers().map(({ id }) => id.toString())
    await waitFor(() => expect(met()).not.toContain(node.id.toString()))
    expect(node.stats().connections.refused.denied).toBeGreaterThan(0)
    expect(warnings).toContainEqual(
      expect.objectContaining({ message: 'denied', action: 'connect', direction: 'incoming' }),
    )
  })

  test('a service is called by, and answered by, those on its list alone', async () => {
    const mesh = meshForTest()
    const [friend, stranger] = [identity(), identity()]
    const allow: AllowList = { services: { secret: [friend.key] } }
    const node = await mesh.start({ services, allow })
    const known = await mesh.start({ secretKey: friend.secretKey })
    const unknown = await mesh.start({ secretKey: stranger.secretKey })
    expect(await (await known.call('secret')).text()).toBe('secret')
    expect(await (await unknown.call('open')).text()).toBe('open')
    const denied = { kind: 'denied', code: 'FLATEND_RPC_DENIED', nothingRan: true }
    await expect(unknown.call('secret')).rejects.toMatchObject({
      ...denied,
      message: 'this key is not allowed to call "secret"',
    })
    expect(node.stats().streams.denied).toBe(1)

    // The other way round: who may answer.
    node.unregister('secret')
    unknown.register('secret', () => 'forged')
    await waitFor(() => expect(node.providersFor(['secret'])).toHaveLength(1))
    await expect(node.call('secret')).rejects.toMatchObject(denied)
    const [forger] = node.providersFor(['secret'])
    await expect(forger?.call('secret')).rejects.toMatchObject(denied)
    expect(node.stats().calls.denied).toBe(1)
    known.register('secret', () => 'genuine')
    await waitFor(() => expect(node.providersFor(['secret'])).toHaveLength(2))
    for (let i = 0; i < 10; i++) expect(await (await node.call('secret')).text()).toBe('genuine')
  })

  test('what is no key is an error of the start', async () => {
    const mesh = meshForTest()
    const start = (allow: AllowList) => mesh.start({ allow })
    await expect(start({ peers: ['abc'] })).rejects.toMatchObject({ code: 'FLATEND_NODE_ALLOW' })
    await expect(start({ services: { a: ['z'.repeat(64)] } })).rejects.toThrow(/services\.a/)
  })
})

describe('authorize', () => {
  test('is asked for each connection and call, in both directions, with a proven key', async () => {
    const mesh = meshForTest()
    const peer = identity()
    const requests: AccessRequest[] = []
    const authorize: NodeOptions['authorize'] = (request) => requests.push(request) > 0
    const node = await mesh.start({ services, authorize })
    const other = await mesh.start({
      secretKey: peer.secretKey,
      metadata: { zone: 'attic' },
      services: { theirs: () => 'theirs' },
    })
    await (await other.call('open')).text()
    await waitFor(() => expect(node.providersFor(['theirs'])).toHaveLength(1))
    await (await node.call('theirs')).text()
    await (await node.call('open')).text()
    const seen = requests.map(({ action, direction, service, ...rest }) => {
      expect(rest.peer.toString()).toBe(peer.key)
      expect(rest).toMatchObject({ version: 2, metadata: { zone: 'attic' } })
      return [action, direction, service].join(' ').trim()
    })
    expect(seen).toContain('connect incoming')
    // Calls of the node's own services are nobody else's.
    expect(seen.filter((one) => one.startsWith('call'))).toEqual([
      'call incoming open',
      'call outgoing theirs',
    ])
  })

  test('its reason reaches the other side; what it throws does not, and is a no', async () => {
    const mesh = meshForTest()
    const { warnings, logger } = recorder()
    const { open } = services
    await mesh.start({
      services: { open, sunday: open, broken: open },
      authorize: onWeekdays,
      logger,
    })
    const other = await mesh.start()
    await expect(other.call('sunday')).rejects.toMatchObject({
      kind: 'denied',
      message: 'not on Sundays',
    })
    await expect(other.call('broken')).rejects.toMatchObject({
      kind: 'denied',
      message: 'this key is not allowed to call "broken"',
    })
    expect(warnings).toContainEqual(
      expect.objectContaining({ message: 'authorize failed, which counts as a no' }),
    )
    expect(await (await other.call('open')).text()).toBe('open')
  })
})
