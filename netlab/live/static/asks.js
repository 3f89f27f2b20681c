// What a script learns of a request that it sends. In a frame, the page around it asks for it: the request
// then has the frame's origin.

export async function ask(url, init) {
  try {
    const answer = await fetch(url, {...init, cache: "no-store"});
    return {type: answer.type, status: answer.status, text: await answer.text(), headers: [...answer.headers]};
  } catch (error) { return {error: String(error)}; }
}

if (parent !== self) {
  addEventListener("message", async ({data, ports}) => ports[0].postMessage(await ask(data.url, data.init)));
  parent.postMessage("netlab frame ready", "*");
}
