// The live view of a gateway: reads /state again and again and shows what changed between.
import { age, bytes, chart, count, element, legend, milliseconds, rate, table } from './draw.js'

/** Between two readings, in milliseconds: `?every=500` for a closer look. */
const EVERY = Math.max(250, Number(new URLSearchParams(location.search).get('every')) || 2_000)
/** An answer later than this is none. */
const PATIENCE = 5_000
/** Points of a chart: five minutes. */
const ROOM = 150
/** Upper bounds of the duration buckets in milliseconds, as /metrics has them. */
const BOUNDS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000]
/** Rates are of the last so many readings. */
const WINDOW = 5

const states = []
const history = { rate: [], errors: [], p50: [], p99: [] }
const by = (id) => document.getElementById(id)

const nameOf = ({ method, path, services }) => `${method} ${path} ${services.join()}`

/** What happened between two states, route by route. */
function differences(before, after) {
  const old = new Map(before.routes.map((route) => [nameOf(route), route]))
  const seconds = Math.max(0.001, (after.now - before.now) / 1_000)
  return after.routes.map((route) => {
    const was = old.get(nameOf(route))
    const requests = route.count - (was?.count ?? 0)
    const failed = failures(route) - (was ? failures(was) : 0)
    const buckets = route.buckets.map((value, index) => value - (was?.buckets[index] ?? 0))
    return { route, perSecond: requests / seconds, failedPerSecond: failed / seconds, buckets }
  })
}

const failures = ({ statuses }) => (statuses['5xx'] ?? 0) + (statuses.none ?? 0)

/** The upper bound of the bucket in which so large a part of all is reached. */
function quantile(buckets, part) {
  const total = sum(buckets)
  if (total === 0) return undefined
  let below = 0
  for (const [index, value] of buckets.entries()) {
    if (below + value >= total * part) {
      const low = index === 0 ? 0 : BOUNDS[index - 1]
      const high = BOUNDS[index] ?? BOUNDS.at(-1)
      return low + (high - low) * ((total * part - below) / value)
    }
    below += value
  }
  return BOUNDS.at(-1)
}

const sum = (values) => values.reduce((total, value) => total + value, 0)

function show(state) {
  states.push(state)
  if (states.length > WINDOW + 1) states.shift()
  const changes = differences(states[0], state)
  const all = BOUNDS.concat(0).map((_, index) => sum(changes.map((one) => one.buckets[index])))
  const total = sum(changes.map((one) => one.perSecond))
  const failed = sum(changes.map((one) => one.failedPerSecond))
  const p50 = quantile(all, 0.5)
  const p99 = quantile(all, 0.99)
  showHead(state)
  showTiles(state, { total, failed, p50, p99 })
  if (states.length > 1) {
    remember({ rate: total, errors: failed, p50: p50 ?? 0, p99: p99 ?? 0 })
    const room = Math.max(30, Math.min(ROOM, history.rate.length))
    chart(by('rate'), { series: [history.rate, history.errors], room, format: rate })
    chart(by('duration'), { series: [history.p50, history.p99], room, format: milliseconds })
  }
  showRoutes(changes)
  showMesh(state)
  showCounters(state)
  showCertificates(state)
  showReloads(state)
}

function remember(values) {
  for (const [name, value] of Object.entries(values)) {
    history[name].push(value)
    if (history[name].length > ROOM) history[name].shift()
  }
}

function showHead({ readiness, version, node, startedAt, now, listeners }) {
  const badge = by('ready')
  badge.className = `badge ${readiness.ready ? 'good' : 'bad'}`
  badge.textContent = readiness.ready ? 'ready' : readiness.reason
  const places = listeners.map(({ address, driver }) => `${address} (${driver})`).join(', ')
  by('about').textContent =
    `${version} · up ${age(startedAt, now)} · node ${node.id.slice(0, 12)}… · ${places}`
}

function showTiles({ inFlight, peers, loopDelay, memory }, { total, failed, p50, p99 }) {
  const tiles = [
    ['requests / s', rate(total)],
    ['errors', total > 0 ? `${((failed / total) * 100).toFixed(1)} %` : '–', failed > 0],
    ['median', milliseconds(p50)],
    ['p99', milliseconds(p99)],
    ['in flight', count(inFlight)],
    ['peers', count(peers.count)],
    ['loop delay', milliseconds(loopDelay.p99Ms)],
    ['memory', bytes(memory.rss)],
  ]
  by('tiles').replaceChildren(
    ...tiles.map(([title, text, bad]) =>
      element('div', {
        children: [
          element('span', { text: title }),
          element('strong', { text, class: bad ? 'bad-text' : '' }),
        ],
      }),
    ),
  )
}

const statusColumn = (name) => ({
  title: name,
  number: true,
  of: ({ route }) => count(route.statuses[name] ?? 0),
  bad: ({ route }) => name === '5xx' && route.statuses[name] > 0,
})

function showRoutes(changes) {
  const rows = changes.filter(({ route }) => route.path !== '' || route.count > 0)
  table(by('routes'), {
    rows,
    empty: 'no routes',
    columns: [
      {
        title: 'route',
        code: true,
        of: ({ route }) => `${route.method} ${route.path}`.trim() || 'no route',
      },
      { title: 'services', of: ({ route }) => route.services.join(', ') || '–' },
      { title: 'calls / s', number: true, of: ({ perSecond }) => rate(perSecond) },
      { title: 'median', number: true, of: ({ buckets }) => milliseconds(quantile(buckets, 0.5)) },
      { title: 'p99', number: true, of: ({ buckets }) => milliseconds(quantile(buckets, 0.99)) },
      { title: 'requests', number: true, of: ({ route }) => count(route.count) },
      statusColumn('2xx'),
      statusColumn('3xx'),
      statusColumn('4xx'),
      statusColumn('5xx'),
      { title: 'retries', number: true, of: ({ route }) => count(route.retries) },
      { title: 'broken off', number: true, of: ({ route }) => count(route.aborted) },
    ],
  })
}

function showMesh({ services, peers, routes }) {
  const calls = (name, wanted) =>
    sum(
      routes
        .filter((route) => route.services.includes(name))
        .flatMap((route) => Object.entries(route.calls))
        .filter(([outcome]) => (outcome === 'ok') === wanted)
        .map(([, value]) => value),
    )
  table(by('services'), {
    rows: services,
    empty: 'no route calls a service',
    columns: [
      { title: 'service', code: true, of: ({ name }) => name },
      {
        title: 'providers',
        number: true,
        of: ({ providers }) => count(providers),
        bad: ({ providers }) => providers === 0,
      },
      { title: 'calls', number: true, of: ({ name }) => count(calls(name, true)) },
      {
        title: 'failed',
        number: true,
        of: ({ name }) => count(calls(name, false)),
        bad: ({ name }) => calls(name, false) > 0,
      },
    ],
  })
  table(by('peers'), {
    rows: peers.list,
    empty: 'no node is connected',
    columns: [
      {
        title: 'node',
        code: true,
        of: ({ id }) => (id === '' ? 'anonymous' : `${id.slice(0, 12)}…`),
      },
      { title: 'address', of: ({ address }) => address ?? '–' },
      {
        title: 'protocol',
        of: ({ version }) => (version === 1 ? '2020' : 'v2'),
        bad: ({ version }) => version === 1,
      },
      { title: 'offers', of: (peer) => peer.services.join(', ') || '–' },
    ],
  })
}

/** `connectionsOpen` as `connections open`. */
const words = (name) => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

function showCounters({ mesh, peers, refused }) {
  const rows = [
    ['calls sent to another provider', mesh.calls.retries],
    ['calls nobody was allowed', mesh.calls.denied],
    ['calls nobody offers', mesh.calls.noProvider],
    ['sessions of 2020', peers.legacy],
    ...Object.entries(mesh.streams).map(([name, value]) => [`streams: ${words(name)}`, value]),
    ...Object.entries(refused).map(([reason, value]) => [`turned away: ${reason}`, value]),
  ]
  const items = rows.map(([name, value]) =>
    element('div', {
      children: [element('dt', { text: name }), element('dd', { text: count(value) })],
    }),
  )
  by('counters').replaceChildren(...items)
}

function showCertificates({ certificates, now }) {
  table(by('certificates'), {
    rows: certificates,
    empty: 'no certificates: nothing is served by HTTPS',
    columns: [
      { title: 'names', of: ({ names }) => names.join(', ') },
      {
        title: 'ends in',
        of: ({ notAfter }) => (notAfter > now ? age(now, notAfter) : 'ended'),
        bad: ({ notAfter }) => notAfter - now < 7 * 86_400_000,
      },
      {
        title: 'renewal in',
        of: ({ renewAt }) =>
          renewAt === undefined ? '–' : renewAt > now ? age(now, renewAt) : 'due',
      },
      { title: 'issuer', of: ({ issuer }) => issuer },
      {
        title: 'trouble',
        of: ({ lastError }) => lastError ?? '–',
        bad: ({ lastError }) => lastError !== undefined,
      },
    ],
  })
}

function showReloads({ reloads, now }) {
  const { succeeded, failed, lastAt, last } = reloads
  const when = lastAt === undefined ? 'none yet' : `the last one ${age(lastAt, now)} ago`
  const text = `${count(succeeded)} done, ${count(failed)} refused; ${when}`
  const children = [element('div', { text })]
  if (last && !last.ok) children.push(element('pre', { text: last.problems.join('\n') }))
  const waiting = last?.report?.needsRestart ?? []
  if (waiting.length > 0) {
    children.push(
      element('div', { class: 'quiet', text: `needs a restart: ${waiting.join(', ')}` }),
    )
  }
  by('reloads').replaceChildren(...children)
}

async function turn() {
  try {
    const response = await fetch('state', { signal: AbortSignal.timeout(PATIENCE) })
    show(await response.json())
  } catch {
    const badge = by('ready')
    badge.className = 'badge bad'
    badge.textContent = 'no answer'
  }
  setTimeout(() => void turn(), EVERY)
}

legend(by('rate-legend'), ['all', 'failed'])
legend(by('duration-legend'), ['median', '99th percentile'])
void turn()
