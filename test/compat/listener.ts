import { until } from "../world/until.ts";

/** Somebody whose browser has Mastodon open: a WebSocket to the streaming server, opened again whenever it closes. */
export interface Listener extends Disposable {
  /** What has arrived so far. */
  heard(): readonly string[];
  /** How often it had to connect. */
  connections(): number;
}

const AGAIN_MS = 100;

/** Returns once it is connected. @param token an OAuth token of a user who is in the database */
export async function startListener(streamingUrl: string, token: string): Promise<Listener> {
  const url = `${streamingUrl.replace(/^http/, "ws")}/api/v1/streaming?stream=user&access_token=${token}`;
  const heard: string[] = [];
  let [connections, isOver] = [0, false];
  let socket: WebSocket;
  const connect = () => {
    socket = new WebSocket(url);
    socket.addEventListener("open", () => {
      connections += 1;
    });
    socket.addEventListener("message", ({ data }) => heard.push(JSON.parse(String(data)).payload));
    socket.addEventListener("close", () => {
      if (!isOver) setTimeout(connect, AGAIN_MS);
    });
  };
  connect();
  await until("the WebSocket to open", () => connections > 0);
  return {
    heard: () => heard,
    connections: () => connections,
    [Symbol.dispose]: () => {
      isOver = true;
      socket.close();
    },
  };
}
