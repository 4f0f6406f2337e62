// What Whisper's decoding adds to its vocabulary's: the prompt of earlier text is not part of the
// answer, and times are not words.
// Source: transformers 5.23.0, models/whisper/tokenization_whisper.py (_strip_prompt,
// _filter_timestamp_ids).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <tandem/constraint.h>

namespace tandem::whisper {

// The tokens that a prompt lies between.
inline constexpr std::string_view kStartOfPrevious = "<|startofprev|>";
inline constexpr std::string_view kStartOfTranscript = "<|startoftranscript|>";

// `ids` without a prompt: from the transcript's start on, if they begin with a prompt.
std::span<const TokenId> without_prompt(std::span<const TokenId> ids, TokenId start_of_previous,
                                        TokenId start_of_transcript);

// `text` without all that looks like <|1.08|>. Linear.
std::string without_times(std::string_view text);

}  // namespace tandem::whisper
