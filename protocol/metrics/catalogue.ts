/** What one metric is. Names follow Prometheus: base units (seconds, bytes), and `_total` for what only grows. */
interface Described {
  readonly help: string;
  /** None may take a value that a tenant can choose: each value is a series of its own. */
  readonly labels: readonly string[];
}
interface Counter extends Described {
  readonly type: 'counter';
}
interface Gauge extends Described {
  readonly type: 'gauge';
}
interface Histogram extends Described {
  readonly type: 'histogram';
  /** Upper ends of the buckets, ascending. One without an end is added. */
  readonly buckets: readonly number[];
}
export type Metric = Counter | Gauge | Histogram;

/** Seconds of what takes milliseconds: a request. */
const QUICK = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
/** Seconds of what takes seconds or minutes: a model call, a wait. */
const SLOW = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600] as const;

/** Metrics of what the edge does. */
const EDGE_METRICS = {
  cc_docker_refusals_total: {
    type: 'counter',
    help: 'Calls that were refused, by the code of the problem',
    labels: ['code'],
  },
  cc_docker_http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time until a call was answered (a stream: until it began), by method, route and class of the status',
    labels: ['method', 'route', 'status'],
    buckets: QUICK,
  },
  cc_docker_sessions_created_total: {
    type: 'counter',
    help: 'Sessions that were created, by how: directly, as a fork, as a child',
    labels: ['kind'],
  },
  cc_docker_sessions_ended_total: {
    type: 'counter',
    help: 'Sessions that were parked or failed, by the reason',
    labels: ['reason'],
  },
  cc_docker_sessions: { type: 'gauge', help: 'Sessions, by their state', labels: ['state'] },
  cc_docker_stored_bytes: {
    type: 'gauge',
    help: 'What all owners store, bytes: snapshots, artifacts, logs, messages and lists',
    labels: [],
  },
  cc_docker_sessions_waiting: { type: 'gauge', help: 'Sessions that wait for a place', labels: [] },
  cc_docker_place_wait_seconds: {
    type: 'histogram',
    help: 'Time from the request for a place until a runner was sent the launch',
    labels: [],
    buckets: SLOW,
  },
  cc_docker_turns_total: {
    type: 'counter',
    help: 'Turns that have ended, by whoever began them and how they ended',
    labels: ['origin', 'outcome'],
  },
  cc_docker_turn_duration_seconds: {
    type: 'histogram',
    help: 'How long turns took, by how they ended',
    labels: ['outcome'],
    buckets: SLOW,
  },
  cc_docker_tokens_total: {
    type: 'counter',
    help: 'Tokens of turns that have ended, by kind',
    labels: ['kind'],
  },
  cc_docker_cost_usd_total: { type: 'counter', help: 'Cost of turns that have ended, US dollars', labels: [] },
  cc_docker_webhook_posts_total: {
    type: 'counter',
    help: 'Posts of webhooks, by what came of them: delivered, to be tried again, given up',
    labels: ['outcome'],
  },
  cc_docker_events_stored_total: { type: 'counter', help: 'Events that were stored', labels: [] },
  cc_docker_event_stored_bytes_total: { type: 'counter', help: 'Bytes of the events that were stored', labels: [] },
  cc_docker_viewer_bytes_total: {
    type: 'counter',
    help: 'Bytes of events and previews that were sent to open streams, by transport',
    labels: ['transport'],
  },
  cc_docker_unknown_frames_total: {
    type: 'counter',
    help: 'Frames and fields that came from a newer runner or container, and were passed over',
    labels: ['from'],
  },
  cc_docker_tunnel_streams_total: {
    type: 'counter',
    help: 'Streams that were opened to ports and terminals of containers, by kind',
    labels: ['kind'],
  },
  cc_docker_tunnel_refusals_total: {
    type: 'counter',
    help: 'Streams to containers that could not be opened, by the reason',
    labels: ['code'],
  },
  cc_docker_tunnel_bytes_total: {
    type: 'counter',
    help: 'Bytes of streams into containers and out of them',
    labels: ['direction'],
  },
  cc_docker_viewers: { type: 'gauge', help: 'Open streams of sessions, by transport', labels: ['transport'] },
  cc_docker_runners: { type: 'gauge', help: 'Connected runners', labels: [] },
  cc_docker_places: { type: 'gauge', help: 'Containers that connected runners can have at once', labels: [] },
  cc_docker_containers: { type: 'gauge', help: 'Containers that connected runners have', labels: [] },
  cc_docker_edge_disk_free_mb: {
    type: 'gauge',
    help: 'Free space of the edge’s disk, MB. Kept for older dashboards: cc_docker_edge_disk_free_bytes',
    labels: [],
  },
  cc_docker_edge_disk_free_bytes: { type: 'gauge', help: 'Free space of the edge’s disk, bytes', labels: [] },
  cc_docker_runner_disk_free_mb: {
    type: 'gauge',
    help: 'Free space of a runner’s disk, MB. Kept for older dashboards: cc_docker_runner_disk_free_bytes',
    labels: ['runner'],
  },
  cc_docker_runner_disk_free_bytes: {
    type: 'gauge',
    help: 'Free space of a runner’s disk, bytes',
    labels: ['runner'],
  },
  cc_docker_runner_ok: {
    type: 'gauge',
    help: 'Whether a connected runner can start containers: 1 or 0',
    labels: ['runner'],
  },
  cc_docker_runner_places: {
    type: 'gauge',
    help: 'Containers that a connected runner can have at once',
    labels: ['runner'],
  },
  cc_docker_runner_containers: { type: 'gauge', help: 'Containers that a connected runner has', labels: ['runner'] },
  cc_docker_spans_total: {
    type: 'counter',
    help: 'Spans of traces, by whether the collector took them',
    labels: ['outcome'],
  },
  cc_docker_metrics_dropped_total: {
    type: 'counter',
    help: 'Series that were not kept because there were too many. Always 0, unless something is wrong',
    labels: [],
  },
} as const satisfies Record<string, Metric>;

/** Metrics that runners count and tell the pool. The edge adds the label `runner`. They begin anew with the runner's process. */
export const RUNNER_METRICS = {
  cc_docker_runner_launches_total: {
    type: 'counter',
    help: 'Containers that a runner started or could not start, by the outcome',
    labels: ['outcome'],
  },
  cc_docker_runner_spares: { type: 'gauge', help: 'Containers that wait for a session', labels: [] },
  cc_docker_runner_warm_starts_total: {
    type: 'counter',
    help: 'Launches of a runner that keeps spares, by what came of it: claimed, failed, or why no spare could be had',
    labels: ['outcome'],
  },
  cc_docker_runner_egress_bytes_total: {
    type: 'counter',
    help: 'Bytes between containers and hosts beyond the model, by direction as seen from the container',
    labels: ['direction'],
  },
  cc_docker_runner_egress_requests_total: {
    type: 'counter',
    help: 'Connections and requests that containers asked for, by whether they were let out',
    labels: ['outcome'],
  },
  cc_docker_runner_porter_refusals_total: {
    type: 'counter',
    help: 'Connections of porters that a runner closed unanswered, by why',
    labels: ['why'],
  },
  cc_docker_runner_model_calls_total: {
    type: 'counter',
    help: 'Calls of the model, by outcome: the class of the status, or what happened instead',
    labels: ['outcome'],
  },
  cc_docker_runner_model_call_duration_seconds: {
    type: 'histogram',
    help: 'Time from a call of the model until its answer had ended, of calls that were answered',
    labels: [],
    buckets: SLOW,
  },
  cc_docker_runner_spans_total: {
    type: 'counter',
    help: 'Spans of traces of a runner, by whether the collector took them',
    labels: ['outcome'],
  },
  cc_docker_runner_unknown_frames_total: {
    type: 'counter',
    help: 'Frames and fields that came to a runner from a newer edge, and were passed over',
    labels: ['from'],
  },
  cc_docker_runner_snapshots_total: {
    type: 'counter',
    help: 'Snapshots that a runner made, by the outcome',
    labels: ['outcome'],
  },
  cc_docker_runner_environment_builds_total: {
    type: 'counter',
    help: 'Images of environments that sessions asked a runner for, by the outcome: found, built, or why not',
    labels: ['outcome'],
  },
  cc_docker_runner_environment_build_duration_seconds: {
    type: 'histogram',
    help: 'Time of builds of environments, from the wait for a turn to their end',
    labels: [],
    buckets: SLOW,
  },
  cc_docker_runner_environment_image_bytes: {
    type: 'gauge',
    help: 'What a runner’s images of environments take beside the images that they are made of, bytes',
    labels: [],
  },
  cc_docker_runner_snapshot_stored_bytes_total: {
    type: 'counter',
    help: 'Bytes that snapshots added to the storage',
    labels: [],
  },
} as const satisfies Record<string, Metric>;

/** Each metric of `GET /metrics`, by its name. */
export const METRICS = { ...EDGE_METRICS, ...RUNNER_METRICS };

type All = typeof METRICS;
/** The names of the metrics of that type. */
export type NameOf<Type extends Metric['type']> = {
  [Name in keyof All]: All[Name]['type'] extends Type ? Name : never;
}[keyof All];
/** The labels that a metric has, each with a value. */
export type LabelsOf<Name extends keyof All> = Readonly<Record<All[Name]['labels'][number], string>>;
