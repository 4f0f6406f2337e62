// Families that began in fairseq, and Pegasus, from a SentencePiece model.
//
//   mBART, mBART-50, NLLB   id = piece + 1, but <s> <pad> </s> <unk> are 0 1 2 3; languages and
//                           <mask> behind the pieces
//   M2M100                  id of the piece's string in vocab.json; languages __xx__ behind it
//   Pegasus                 id = piece + 103; what lies below is <pad>, </s>, the two masks and
//                           tokens that only its pretraining knew
//
// Source: transformers 4.57.6, models/{mbart,mbart50,nllb,pegasus}/tokenization_*.py; 5.23.0 for
// models/m2m_100. Cost: as SentencePiece.
#pragma once

#include <memory>

#include <tandem/tokenizer.h>

#include "text/model_folder.h"

namespace tandem {

// mBART, mBART-50 or NLLB by the directory's tokenizer class; reads sentencepiece.bpe.model.
std::shared_ptr<const Tokenizer> load_fairseq(const ModelFolder& folder);
// Reads sentencepiece.bpe.model and vocab.json.
std::shared_ptr<const Tokenizer> load_m2m100(const ModelFolder& folder);
// Reads spiece.model.
std::shared_ptr<const Tokenizer> load_pegasus(const ModelFolder& folder);

}  // namespace tandem
