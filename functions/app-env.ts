import type { HandlerEnv } from '../durable/rpc/callable.ts';
import type { EdgeEnv } from '../durable/rpc/edge-env.ts';
import type { EdgeSettings } from '../protocol/settings/edge-settings.ts';
import type { TraceContext } from '../protocol/trace/context.ts';
import type { ProblemCode } from '../protocol/api/problem.ts';
import type { Caller } from '../durable/rpc/caller.ts';

interface OwnCalls {
  /** Of a call that this edge makes for somebody: their address. */
  readonly CALLER_ADDRESS?: string;
}

/** What every handler can reach: the objects by their bindings, and the settings. */
export interface AppEnv {
  Bindings: HandlerEnv & OwnCalls;
  Variables: {
    settings: EdgeSettings;
    /** The call's id: in its answer, in the access log, and in what is logged of it. */
    requestId: string;
    /** Headers of its answer, whoever makes that. */
    answerHeaders: Record<string, string>;
    /** Its answer was made with all of them. */
    isWhole?: true;
    /** Whose token the call has; absent: none is verified. */
    owner?: string;
    /** The call's span; absent: nothing is traced. */
    trace?: TraceContext;
    /** What it is for, where no route says so; absent: the route does. */
    route?: string;
    /** Why the call was refused, if it was. */
    refused?: ProblemCode;
  };
}

/** What a handler can reach that serves on the Worker alone. */
export interface WorkerEnv extends AppEnv {
  Bindings: EdgeEnv & OwnCalls;
}

/**
 * What a handler can reach beyond that when its route declares a scope (`secured`). A route that declares none has no
 * caller, so its handler does not compile.
 */
export interface CallerEnv extends AppEnv {
  Variables: AppEnv['Variables'] & {
    caller: Caller;
    /** The id of what the handler has created, for the audit log. */
    created?: string;
  };
}
