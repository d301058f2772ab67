import { useId, useState } from 'preact/hooks';
import type { Interaction } from '../../client/main.ts';
import { Code } from '../safe/code.tsx';
import { SafeText } from '../safe/safe-text.tsx';
import { Button } from '../ui/button.tsx';
import { TextArea } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { answerState, sendAnswer } from './answer/answering.ts';
import { choose, isOneTap, requestOf, write, type Question, type Questions } from './answer/draft.ts';
import { draftOf, setDraft } from './answer/drafts.ts';

interface QuestionFormProps {
  readonly asked: Interaction;
  readonly questions: Questions;
}

/** Questions and their answers. The option of a single question is one press; anything else is put together and sent. */
export function QuestionForm({ asked, questions }: QuestionFormProps) {
  const { interaction_id: id } = asked;
  const state = answerState(id).value;
  const draft = draftOf(id).value;
  const [missing, setMissing] = useState<{ readonly at: number; readonly why: string } | null>(null);
  const tap = isOneTap(questions);
  const isWritten = (draft.texts[0] ?? '').trim() !== '';
  const send = () => {
    const answer = requestOf(questions, draftOf(id).value);
    if ('missing' in answer) setMissing({ at: answer.missing, why: answer.why });
    else {
      setMissing(null);
      void sendAnswer(asked, answer.request, 'send');
    }
  };
  const isSending = state.kind === 'sending';
  return (
    <form
      class="ask-questions"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {questions.map((question, index) => (
        <fieldset key={index} class={isSending ? 'ask-question ask-question-sending' : 'ask-question'}>
          <legend class={questions.length === 1 ? 'visually-hidden' : 'ask-legend'}>
            {question.header !== undefined && questions.length > 1 && (
              <span class="ask-topic">
                <SafeText text={question.header} line max={64} />
              </span>
            )}
            <SafeText text={question.question} max={4000} />
          </legend>
          {question.options.length > 0 && (
            <ul class="ask-options">
              {question.options.map((option, at) => (
                <Option
                  key={option.label}
                  option={option}
                  number={questions.length === 1 ? at + 1 : null}
                  isChosen={draft.chosen[index]?.includes(option.label) === true}
                  kind={tap ? 'send' : question.multi_select ? 'several' : 'one'}
                  isBusy={isSending && state.pressed === option.label}
                  onPress={() => {
                    if (tap) void sendAnswer(asked, { answer: option.label }, option.label);
                    else setDraft(id, choose(draft, index, option.label, question));
                  }}
                />
              ))}
            </ul>
          )}
          {isFree(question) && (
            <TextArea
              label={question.options.length > 0 ? 'Your answer in your own words' : 'Your answer'}
              hideLabel
              value={draft.texts[index] ?? ''}
              onInput={(text) => setDraft(id, write(draft, index, text, question))}
              onEnter={send}
              maxLength={32_768}
              placeholder={question.options.length > 0 ? 'Or in your own words' : 'Your answer'}
              error={missing?.at === index ? missing.why : undefined}
            />
          )}
          {!isFree(question) && missing?.at === index && (
            <p class="ui-field-error" role="alert">
              {missing.why}
            </p>
          )}
        </fieldset>
      ))}
      {(!tap || isWritten) && (
        <Button kind="primary" type="submit" class="ask-send" icon="send" busy={isSending && state.pressed === 'send'}>
          {questions.length > 1 ? 'Send answers' : 'Send answer'}
        </Button>
      )}
    </form>
  );
}

const isFree = ({ options, free_text }: Question) => options.length === 0 || free_text;

interface OptionProps {
  readonly option: Question['options'][number];
  /** The key that presses it; null: none. */
  readonly number: number | null;
  readonly isChosen: boolean;
  /** `send`: a press answers. `one`, `several`: it is chosen. */
  readonly kind: 'send' | 'one' | 'several';
  readonly isBusy: boolean;
  readonly onPress: () => void;
}

function Option({ option, number, isChosen, kind, isBusy, onPress }: OptionProps) {
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const { label, description, preview } = option;
  return (
    <li class={isChosen ? 'ask-option ask-option-chosen' : 'ask-option'}>
      <div class="ask-option-box">
        {kind !== 'send' && (
          <span class={`ask-mark ask-mark-${kind}`} aria-hidden="true">
            {isChosen && <Icon name="check" />}
          </span>
        )}
        <div class="ask-option-text">
          {/* All of the box presses it. What it is called is its label alone. */}
          <button
            type="button"
            class="ask-option-button"
            aria-describedby={description === undefined ? undefined : id}
            aria-pressed={kind === 'send' ? undefined : isChosen}
            aria-busy={isBusy}
            onClick={onPress}
          >
            <SafeText text={label} max={200} />
          </button>
          {description !== undefined && (
            <p id={id} class="ask-option-about">
              <SafeText text={description} max={2000} />
            </p>
          )}
        </div>
        {isBusy ? (
          <span class="ui-spinner" aria-hidden="true" />
        ) : (
          number !== null &&
          number < 10 && (
            <kbd class="ask-key" aria-hidden="true">
              {number}
            </kbd>
          )
        )}
      </div>
      {preview !== undefined && (
        <>
          <button type="button" class="ask-more" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? 'Hide what it looks like' : 'What it looks like'}
            <span class="visually-hidden">
              : <SafeText text={label} line />
            </span>
          </button>
          {isOpen && <Code text={preview} language="Preview" />}
        </>
      )}
    </li>
  );
}
