"""Drawn streets: a road in one-point perspective, with everything that stands along it and moves on it.

camera.py projects metres to the picture; light.py computes colours, paints the sky and adds grain; scene.py collects
shapes by distance; svg.py writes them; figure.py and solid.py have the coordinates of people and vehicles. ground.py,
buildings.py, barriers.py, vegetation.py, furniture.py, things.py, people.py and vehicles.py draw one kind of object
each. layout.py samples the cross-section of a street, builder.py builds it and traffic.py fills it, by the
probabilities in domains/cityscapes.yaml; source.py is the data source.
"""
