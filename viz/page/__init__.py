"""Self-contained web pages: one file, no network, nothing but what is in it.

    shell       a page that can be trusted with any text
    backprop    the page that steps through backpropagation: step.html and step.css; numbers.js, story.js (what is known
                after n steps), panel.js (the text), quiz.js, step.js (the graph and the controls)
    folding     a drawing whose groups fold: folding.css; squeeze.js (where things go), routes.js (edges), picture.js,
                following.js (what lights up), folding.js (the controls)

Both move the picture with view.js.
"""
