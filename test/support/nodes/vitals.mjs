// What a process holds: to see that it gives back what it took.
import { readdirSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Open descriptors, where the system tells. */
function descriptors() {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return 0
  }
}

/** Real time that counts the timers that are set. */
export function countingClock() {
  const timers = new Set()
  return {
    timers,
    now: () => performance.now(),
    schedule(delayMs, callback) {
      const timer = setTimeout(() => {
        timers.delete(timer)
        callback()
      }, delayMs)
      timer.unref()
      timers.add(timer)
      return {
        cancel: () => {
          clearTimeout(timer)
          timers.delete(timer)
        },
      }
    },
  }
}

const delays = monitorEventLoopDelay({ resolution: 5 })

/** Time of the processor, and the longest time in which the process did not get to its events. */
export function effort() {
  const { user, system } = process.cpuUsage()
  const stall = Math.round(delays.max / 1e5) / 10
  delays.enable()
  delays.reset()
  return { cpu: Math.round((user + system) / 1_000), stall }
}

/** What the process holds now. The heap is what is left after a collection. */
export function vitals({ node, clock, running, calls }) {
  globalThis.gc?.()
  const { connections, halfOpen, refused } = node.stats().connections
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
  return {
    descriptors: descriptors(),
    connections,
    halfOpen,
    refused,
    sessions: node.peers().length,
    streams: running(),
    openStreams: node.stats().openStreams,
    calls,
    timers: clock.timers.size,
    heap: heapUsed + arrayBuffers,
    rss,
  }
}
