// Loaded by clang-tidy 16, which else looks for its patterns in every system header of every
// source, and then says nothing of what it found there: four fifths of its time. (clang-tidy 22
// leaves them out by itself.) Before its turn comes, what is declared in system headers is taken
// off the list of what is to be walked through. What own code uses of them is known all the same.

#include <clang/AST/ASTConsumer.h>
#include <clang/AST/ASTContext.h>
#include <clang/AST/DeclBase.h>
#include <clang/Basic/SourceManager.h>
#include <clang/Frontend/FrontendPluginRegistry.h>
#include <memory>
#include <string>
#include <vector>

namespace {

class OwnCodeOnly : public clang::ASTConsumer {
public:
    void HandleTranslationUnit(clang::ASTContext& ast) override {
        const clang::SourceManager& sources = ast.getSourceManager();
        std::vector<clang::Decl*> own;
        for (clang::Decl* declared : ast.getTranslationUnitDecl()->decls()) {
            const clang::SourceLocation place = sources.getExpansionLoc(declared->getLocation());
            if (place.isValid() && !sources.isInSystemHeader(place)) {
                own.push_back(declared);
            }
        }
        ast.setTraversalScope(own);
    }
};

class LookAtOwnCodeOnly : public clang::PluginASTAction {
public:
    std::unique_ptr<clang::ASTConsumer> CreateASTConsumer(clang::CompilerInstance&,
                                                          llvm::StringRef) override {
        return std::make_unique<OwnCodeOnly>();
    }
    bool ParseArgs(const clang::CompilerInstance&, const std::vector<std::string>&) override {
        return true;
    }
    ActionType getActionType() override { return AddBeforeMainAction; }
};

const clang::FrontendPluginRegistry::Add<LookAtOwnCodeOnly> registered{
    "own-code-only", "clang-tidy walks through no system header"};

} // namespace
