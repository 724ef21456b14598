// libp2p 3 is written for Node 22: on 20 it lacks this one function (ECMAScript 2024, 27.2.4.8).

/** What comes with a promise. @type {(this: PromiseConstructor) => unknown} */
function withResolvers() {
  const parts = {}
  const promise = new this((resolve, reject) => Object.assign(parts, { resolve, reject }))
  return Object.assign(parts, { promise })
}

export function fillPromise() {
  if (!('withResolvers' in Promise)) Object.assign(Promise, { withResolvers })
}
