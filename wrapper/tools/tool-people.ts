import { shareArtifactInput, shareArtifactOutput } from '../../protocol/api/files/artifact.ts';
import { sharePortInput, sharePortOutput } from '../../protocol/api/session/port.ts';
import { askUserInput, notifyUserInput } from '../../protocol/api/session/interaction.ts';
import { defineTool } from './tool-definition.ts';

/** The agent's tools for reaching the people that it works for. */

const PRIORITY = 'How much it matters that they see it soon; "normal" if absent. "urgent" may wake somebody.';

export const askUser = defineTool('ask_user', askUserInput, {
  description: `Ask the person you work for a question and wait for the answer, which is returned as text.

Use it when you cannot go on well without them: a decision that is theirs, something that only they know, a choice that would be costly to undo. Do not use it for what you can find out yourself or for leave to go on with what you were told to do. They may be away, so an answer can take minutes or days; do what does not depend on it first, and put what belongs together into one question that can be understood without having followed your work. If nobody answers in time you get the default, or are told that nobody did.`,
  fields: {
    question: 'The question, complete in itself.',
    options:
      'Answers to choose from, with or without a description of each, and a preview to compare (Markdown: code, a mockup). Absent: any text is an answer.',
    multi_select: 'Whether several options may be chosen. They are returned separated by ", ".',
    timeout_seconds: 'How long to wait before the default is taken. Absent: as long as the user has set.',
    max_attempts: 'How often to remind them while nobody has answered. Absent: as often as the user has set.',
    priority: PRIORITY,
    default: 'The answer that is taken if nobody gives one in time. With options, best one of their labels.',
    answerers:
      'Who may answer, by name, if it must be certain people. Absent: everybody who may. If one of them may not, you are told who may.',
  },
  hints: { readOnlyHint: true },
});

export const notifyUser = defineTool('notify_user', notifyUserInput, {
  description: `Tell the person you work for something now, without waiting for an answer: it reaches them also when they do not follow the session.

Use it for what they would want to know before you are done: a milestone of long work, a problem, a risk. Do not use it for your final answer, which they get anyway, nor for each step. To ask something, use ask_user.`,
  fields: {
    message: 'What they are told. Markdown.',
    priority: PRIORITY,
    summary: 'The message in a line, for where there is little room.',
  },
  hints: { readOnlyHint: true },
});

export const shareArtifact = defineTool('share_artifact', shareArtifactInput, {
  description: `Give the person you work for a file of your workspace. A copy of it as it is now is kept for them to download, whatever becomes of the file. Returns the artifact's id, name and size.

Use it for a finished thing that they asked for or will want to keep: a report, an image, a data set, an archive. Do not use it for what fits into your answer, nor for each file that you change. At most 256 MiB; pack a folder into an archive first. Then name it in your answer.`,
  fields: {
    path: 'The file, within the workspace: relative to its root, or absolute.',
    name: 'What it is called when they download it. Absent: as the file is.',
    description: 'What it is, in a sentence or two.',
  },
  output: shareArtifactOutput,
  hints: { readOnlyHint: false, destructiveHint: false },
});

export const sharePort = defineTool('share_port', sharePortInput, {
  description: `Give the person you work for a URL to open a server that you run here: a dev server, an app. Returns it; name it in your answer. Start the server first, in the background. It is reached under the URL's host name, so a dev server that refuses unknown hosts has to allow that one.`,
  fields: { port: 'The port that it listens on.', label: 'What it is, in a few words.' },
  output: sharePortOutput,
  hints: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
});
