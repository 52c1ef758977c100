"""A trained network as a TensorFlow SavedModel that needs nothing of this project, and its card.

`encodings` reads what turns values into indices, `saved_model` puts it into a graph with the
network, `facts` and `model_card` describe the model, `export` writes everything.
"""
