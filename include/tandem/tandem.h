/// Tandem: encoder-decoder Transformers, text in and text out.
///
///     #include <tandem/tandem.h>
///
///     auto engine = tandem::Engine::load("models/opus-mt-en-de");
///     std::cout << engine.translate("The cat sat on the mat. It slept.") << '\n';
///
/// This header includes all of the public API.
#pragma once

#include <tandem/added_embedding.h>
#include <tandem/alignment.h>
#include <tandem/attribution.h>
#include <tandem/constraint.h>
#include <tandem/convert.h>
#include <tandem/ctc.h>
#include <tandem/device.h>
#include <tandem/engine.h>
#include <tandem/error.h>
#include <tandem/features.h>
#include <tandem/heads.h>
#include <tandem/log.h>
#include <tandem/logits_hook.h>
#include <tandem/options.h>
#include <tandem/output.h>
#include <tandem/prediction_head.h>
#include <tandem/scorer.h>
#include <tandem/strategy.h>
#include <tandem/text_constraint.h>
#include <tandem/tokenizer.h>
#include <tandem/version.h>
